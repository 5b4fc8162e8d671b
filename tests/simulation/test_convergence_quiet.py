"""What is never seen: writes while nothing changes, and secrets anywhere but in Secrets."""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from controllers.kinds import REGISTRY, SECRET
from registry_operator.kube.errors import InternalError, Invalid, TransportError
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.recorder import EVENTS
from registry_operator.testing.builders import NAMESPACE, S3, a_secret, own_folder
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry_stage import HTTP_SECRET, RegistryStage

pytestmark = pytest.mark.virtual

KEYS = {"accessKey": "do-not-tell-access", "secretKey": "do-not-tell-s3"}


async def test_a_hundred_idle_registries_cost_no_write_nor_does_a_restart(
    clock: VirtualClock,
) -> None:
    stage = RegistryStage(clock)
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    async with stage.running():
        for number in range(100):
            storage = own_folder(S3, f"r{number}") if number % 2 else {"emptyDir": {}}
            stage.create(f"r{number}", storage=storage)
        await stage.settle(60)
        assert {stage.told(name=f"r{number}") for number in range(100)} == {("True", "Ready")}
        stage.api.writes()
        before = len(stage.api.writes())
        await stage.settle(300)
        assert stage.api.writes()[before:] == []

    before = len(stage.api.writes())
    async with stage.running():
        await stage.settle(300)
    assert stage.api.writes()[before:] == []


async def test_watches_that_break_and_expire_cost_no_write(clock: VirtualClock) -> None:
    stage = RegistryStage(clock)
    async with stage.running():
        for number in range(5):
            stage.create(f"r{number}")
        await stage.settle(60)
        before = len(stage.api.writes())
        for _ in range(10):
            stage.api.drop_watches("cut")
            stage.api.compact()
            await stage.settle(60)
        assert stage.api.writes()[before:] == []


@pytest.mark.parametrize("seed", range(5))
async def test_a_process_that_dies_anywhere_leaves_nothing_that_the_next_cannot_finish(
    clock: VirtualClock, seed: int
) -> None:
    """One process after the other, each killed a little later in the life of the registries."""
    stage = RegistryStage(clock)
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    for name in ("one", "two"):
        stage.create(name, storage=own_folder(S3, name))
    for life in range(8):
        cut = TransportError("killed", sent=True)
        stage.api.faults.plan(
            _writes_after(life + seed), cut, times=None, after_effect=life % 2 > 0
        )
        async with stage.running():
            await stage.settle(2)
        stage.api.faults.clear()
    async with stage.running():
        await stage.settle(30)

        assert stage.told(name="one") == stage.told(name="two") == ("True", "Ready")
        assert len([n for n in stage.names(SECRET) if n.endswith("http-secret")]) == 2
        assert len(stage.configs()) == 2


def _writes_after(count: int) -> Any:
    left = count

    def match(request: Request) -> bool:
        nonlocal left
        if request.method == "GET":
            return False
        left -= 1
        return left < 0

    return match


async def test_no_secret_is_ever_told(clock: VirtualClock) -> None:
    """Through creation, faults, refusals, rotation and deletion."""
    stage = RegistryStage(clock)
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))

    def secrets(request: Request) -> bool:
        return request.method == "PATCH" and "/secrets/" in request.path

    with capture_logs() as logs:
        for error in (
            Invalid(422, reason="Invalid", message="data: bad"),
            InternalError(500, reason="InternalError", message="oops"),
            TransportError("cut", sent=True),
        ):
            stage.api.faults.plan(secrets, error, times=3)
        async with stage.running() as operator:
            stage.create(storage=S3, config={"log": {"level": "debug"}})
            await stage.settle(120)
            assert stage.told() == ("True", "Ready")
            rotated = {name: f"{value}-2" for name, value in KEYS.items()}
            stage.api.put(SECRET, a_secret("s3-keys", rotated))
            await stage.settle(30)
            told = [repr(operator.outcomes.of(ObjectKey(NAMESPACE, "images")))]
            told += [repr(operator.cache.stats()), json.dumps(stage.api.objects(REGISTRY))]
            stage.api.delete(REGISTRY, ObjectKey(NAMESPACE, "images"))
            await stage.settle()
    told += [json.dumps(stage.api.objects(EVENTS)), repr(logs)]

    assert any(entry["log_level"] == "debug" for entry in logs)
    assert any("reconcile failed" in entry["event"] for entry in logs)
    for text in told:
        assert "do-not-tell" not in text
        assert HTTP_SECRET not in text


async def test_secrets_of_others_are_never_held(clock: VirtualClock) -> None:
    stage = RegistryStage(clock)
    stage.api.put(SECRET, a_secret("of-somebody", {"password": "do-not-tell-other"}))
    async with stage.running() as operator:
        stage.create()
        await stage.settle()
        held = [
            obj.raw
            for metadata_only in (False, True)
            for obj in operator.cache.store(SECRET, metadata_only=metadata_only).list()
        ]

    assert any(b"of-somebody" in raw for raw in held)
    encoded = a_secret("x", {"password": "do-not-tell-other"})["data"]["password"]
    assert not any(encoded.encode() in raw for raw in held)
