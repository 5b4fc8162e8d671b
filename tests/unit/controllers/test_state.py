"""The state of the whole operator: it says why a Registry is not ready, and no secret."""

import base64
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from controllers.kinds import DEPLOYMENT, REGISTRY, SECRET
from registry_operator.kube.errors import ServiceUnavailable
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime import dump
from registry_operator.runtime.operator import Operator
from registry_operator.runtime.state import Question, to_json
from registry_operator.testing.builders import NAMESPACE, S3, a_secret
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry_stage import HTTP_SECRET, RegistryStage

pytestmark = pytest.mark.virtual

SENTINEL = "do-not-tell"


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock)


def waits_of(operator: Operator, name: str = "images") -> dict[str, tuple[str, str]]:
    """Outcome and reason of what each controller waits for."""
    question = Question(key=ObjectKey(NAMESPACE, name))
    state: Any = orjson.loads(to_json(operator.inspector.state(question)))
    return {
        controller["name"]: (key["waits_for"]["outcome"], key["waits_for"]["reason"])
        for controller in state["controllers"]
        for key in controller["keys"]
    }


async def test_a_registry_whose_keys_are_missing_says_who_waits_for_them(
    stage: RegistryStage,
) -> None:
    async with stage.running() as operator:
        stage.create(storage=S3)
        await stage.settle()
        waiting = waits_of(operator)
        stage.api.put(SECRET, a_secret("s3-keys", {"accessKey": "a", "secretKey": "b"}))
        await stage.settle()

        missing = ("Blocked", "SecretNotFound")
        assert waiting == {"configuration": missing, "deployment": missing}
        assert stage.told() == ("True", "Ready")
        assert waits_of(operator) == {}


async def test_what_a_deleted_registry_waited_for_is_forgotten(stage: RegistryStage) -> None:
    async with stage.running() as operator:
        stage.create(storage=S3)
        await stage.settle()
        assert waits_of(operator)
        stage.api.delete(REGISTRY, ObjectKey(NAMESPACE, "images"))
        await stage.settle()

        assert waits_of(operator) == {}


async def test_no_secret_is_in_the_state_or_in_its_log_lines(
    stage: RegistryStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", SENTINEL)
    keys = {"accessKey": f"{SENTINEL}-access", "secretKey": f"{SENTINEL}-secret"}
    async with stage.running() as operator:
        stage.api.put(SECRET, a_secret("s3-keys", keys))
        stage.create(storage=S3)
        stage.create("waiting", storage={**S3, "s3": {**S3["s3"], "secretRef": {"name": "none"}}})
        await stage.settle()
        whole = to_json(operator.inspector.state()).decode()
        with capture_logs() as logs:
            dump.tell(operator.inspector)

    values = [
        value for body in stage.api.objects(SECRET) for value in (body.get("data") or {}).values()
    ]
    secrets = {SENTINEL, *values, *(base64.b64decode(value).decode() for value in values)}
    assert HTTP_SECRET.startswith(SENTINEL)
    assert len(values) > 3
    assert stage.api.objects(DEPLOYMENT)
    assert NAMESPACE in whole
    assert not [secret for secret in secrets if secret in whole or secret in str(logs)]


async def test_a_write_that_fails_again_and_again_says_what_the_server_says(
    stage: RegistryStage, clock: VirtualClock
) -> None:
    def services(request: Request) -> bool:
        return request.method == "PATCH" and "/services/" in request.path

    down = ServiceUnavailable(503, reason="ServiceUnavailable", message="etcd is down")
    stage.api.faults.plan(services, down, times=None)
    async with stage.running() as operator:
        stage.create()
        await clock.sleep(60)
        (service,) = operator.inspector.state(Question("service")).controllers
        stage.api.faults.clear()
        (key,) = service.keys

    assert key.waits_for is not None
    assert (key.waits_for.outcome, key.waits_for.reason) == ("Error", "ServiceUnavailable")
    assert "etcd is down" in key.waits_for.message
    assert key.waits_for.runs > 3
    assert key.queued is not None
    assert key.queued.state == "delayed"
    assert key.queued.failures == key.waits_for.runs
