"""Trouble as the user meets it: a condition that names field and cure, one Event, and healing."""

import random
from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, REGISTRY, SECRET, SERVICE, SERVICE_ACCOUNT
from registry_operator.kube.errors import (
    ApiError,
    Conflict,
    Forbidden,
    InternalError,
    RequestTimeout,
    ServiceUnavailable,
    TooManyRequests,
    TransportError,
)
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.builders import NAMESPACE, S3, a_secret, own_folder
from registry_operator.testing.fake_api import Fault
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry_stage import RegistryStage

pytestmark = pytest.mark.virtual

KEYS = {"accessKey": "AKIA", "secretKey": "keep-me"}


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock)


def warnings(stage: RegistryStage) -> list[str]:
    return [reason for type_, reason, _ in stage.events() if type_ == "Warning"]


# What somebody else uses a name of ours for.
FOREIGN: dict[Resource, dict[str, Any]] = {
    DEPLOYMENT: {
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "x"}},
            "template": {
                "metadata": {"labels": {"app": "x"}},
                "spec": {"containers": [{"name": "x", "image": "x:1"}]},
            },
        }
    },
    SERVICE: {"spec": {"selector": {"app": "x"}, "ports": [{"port": 80}]}},
}


@pytest.mark.parametrize(
    ("resource", "name", "concern"),
    [
        (DEPLOYMENT, "images", "Available"),
        (SERVICE, "images", "ServiceAvailable"),
        (SECRET, "images-http-secret", "ConfigurationValid"),
        (SERVICE_ACCOUNT, "images", "Ready"),
    ],
)
async def test_a_foreign_object_of_a_wanted_name_is_named_and_left_alone(
    stage: RegistryStage, resource: Resource, name: str, concern: str
) -> None:
    body = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"namespace": NAMESPACE, "name": name},
        **FOREIGN.get(resource, {}),
    }
    foreign = stage.api.put(resource, body)
    async with stage.running():
        stage.create()
        await stage.settle(300)
        assert stage.told(concern) == ("False", "ForeignObject")
        assert stage.told("Stalled") == ("True", "ForeignObject")
        assert f"{resource.kind} team-a/{name}" in stage.message()
        assert "delete or rename it" in stage.message()
        now = stage.get(resource, NAMESPACE, name)
        assert {**now, "metadata": {}, "status": {}} == {**foreign, "metadata": {}, "status": {}}
        assert warnings(stage).count("ForeignObject") == 1

        stage.api.delete(resource, ObjectKey(NAMESPACE, name))
        await stage.settle(60)
        assert stage.told() == ("True", "Ready")


@pytest.mark.parametrize(
    ("data", "reason", "word"),
    [
        ({}, "SecretIncomplete", "accessKey and secretKey"),
        ({"accessKey": "A"}, "SecretIncomplete", "secretKey"),
        ({"accessKey": "A", "secretKey": " \n"}, "SecretIncomplete", "secretKey"),
        ({"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B"}, "SecretIncomplete", "accessKeyField"),
    ],
)  # fmt: skip
async def test_a_secret_with_wrong_keys_is_told_and_heals(
    stage: RegistryStage, data: dict[str, str], reason: str, word: str
) -> None:
    async with stage.running():
        stage.api.put(SECRET, a_secret("s3-keys", data))
        stage.create(storage=S3)
        await stage.settle()
        assert stage.told() == stage.told("StorageReady") == ("False", reason)
        assert word in stage.message()
        assert "Secret s3-keys (spec.storage.s3.secretRef)" in stage.message()

        stage.api.put(SECRET, a_secret("s3-keys", KEYS))
        await stage.settle()
        assert stage.told() == ("True", "Ready")


async def test_what_the_registry_says_of_its_storage_reaches_the_user_and_no_write_repeats_it(
    stage: RegistryStage,
) -> None:
    stage.cluster.is_well = lambda _pod: False
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    async with stage.running():
        stage.create(storage=S3)
        stage.answer = b'{"storagedriver_s3":"s3aws: InvalidAccessKeyId: request id: 1"}'
        await stage.settle(30)
        assert stage.told("StorageReady") == ("False", "CredentialsRejected")
        assert stage.told() == ("False", "CredentialsRejected")
        assert warnings(stage).count("CredentialsRejected") == 1

        stage.new_writes()
        for number in range(15):
            stage.answer = (
                b'{"storagedriver_s3":"s3aws: InvalidAccessKeyId: request id: %d"}' % number
            )
            await stage.settle(30)
        assert stage.new_writes() == []

        stage.cluster.is_well = lambda _pod: True
        stage.cluster.look_again()
        await stage.settle()
        assert stage.told() == ("True", "Ready")


async def test_a_config_key_that_is_ours_is_refused_by_name(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create(config={"http": {"addr": ":1"}})
        await stage.settle()
        assert stage.told() == stage.told("ConfigurationValid") == ("False", "KeyOwned")
        assert "spec.config.http.addr" in stage.message()
        assert stage.names(DEPLOYMENT) == []

        stage.change(lambda spec: spec.pop("config"))
        await stage.settle()
        assert stage.told() == ("True", "Ready")


async def test_a_running_registry_survives_a_specification_that_cannot_be_met(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.create()
        await stage.settle()
        running = stage.one(DEPLOYMENT)["spec"]
        stage.change(lambda spec: spec.update(replicas=3))
        await stage.settle()

        assert stage.told() == ("False", "ReplicasNeedSharedStorage")
        assert stage.told("Available") == ("True", "Serving")
        assert stage.one(DEPLOYMENT)["spec"] == running
        assert stage.status()["observedGeneration"] == 2


QUOTA = Forbidden(403, reason="Forbidden", message="exceeded quota: q, requested: x=1")
WEBHOOK = Forbidden(403, reason="Forbidden", message='admission webhook "w" denied the request: no')
RBAC = Forbidden(
    403,
    reason="Forbidden",
    message='User "u" cannot patch resource "services" in API group "" in the namespace "team-a"',
)


@pytest.mark.parametrize(
    ("error", "reason", "word"),
    [
        (QUOTA, "QuotaExceeded", "raise the quota"),
        (WEBHOOK, "AdmissionDenied", "change the policy"),
        (RBAC, "Forbidden", "lacks the right to patch services"),
    ],
)
@pytest.mark.parametrize("resource", [SERVICE, DEPLOYMENT, SECRET, SERVICE_ACCOUNT])
async def test_a_refused_child_is_told_tried_slowly_and_heals(
    stage: RegistryStage, resource: Resource, error: ApiError, reason: str, word: str
) -> None:
    def writes(request: Request) -> bool:
        return request.method == "PATCH" and f"/{resource.plural}/" in request.path

    stage.api.faults.plan(writes, error, times=None)
    async with stage.running():
        stage.create()
        await stage.settle(600)
        assert stage.told() == ("False", reason)
        assert word in stage.message()
        kinds = 2 if resource == SECRET else 1
        assert len([r for r in stage.new_writes() if writes(r)]) <= kinds * 22
        assert warnings(stage).count(reason) == 1

        stage.api.faults.clear()
        await stage.settle(60)
        assert stage.told() == ("True", "Ready")


async def test_a_change_whose_pods_do_not_get_ready_leaves_the_old_ones_serving(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.create()
        await stage.settle()
        stage.cluster.is_well = lambda pod: "3.1.2" in pod["spec"]["containers"][0]["image"]
        stage.change(lambda spec: spec.update(image="registry:3.1.1"))
        await stage.settle()

        assert stage.told() == ("False", "CanaryRunning")
        assert stage.told("Available") == ("True", "Serving")
        assert stage.told("Progressing") == stage.told("Reconciling") == ("True", "CanaryRunning")
        assert stage.status()["image"] == "registry:3.1.2"


@pytest.mark.parametrize("seed", range(12))
async def test_it_converges_through_any_weather(clock: VirtualClock, seed: int) -> None:
    """Every third request fails in some way for two minutes; then the weather clears."""
    rng = random.Random(seed)
    errors = (
        Conflict(409, reason="Conflict", message="try again"),
        InternalError(500, reason="InternalError", message="oops"),
        ServiceUnavailable(503, reason="ServiceUnavailable", message="later"),
        TooManyRequests(429, reason="TooManyRequests", message="slow down"),
        RequestTimeout("no answer in time", sent=True),
        TransportError("connection refused", sent=False),
    )

    def weather(_request: Request) -> Fault | None:
        if rng.random() > 0.33:
            return None
        error = rng.choice(errors)
        late = isinstance(error, TransportError) and error.sent
        return Fault(error, after_effect=late, delay=rng.choice((0.0, 0.0, 2.0)))

    stage = RegistryStage(clock)
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    async with stage.running():
        stage.api.faults.policy = weather
        for name in ("one", "two", "three"):
            stage.create(name, storage=own_folder(S3, name), replicas=2)
        await stage.settle(20)
        stage.change(lambda spec: spec.update(replicas=1), "one")
        stage.api.drop_watches("cut")
        stage.api.put(SECRET, a_secret("s3-keys", KEYS | {"secretKey": "rotated"}))
        await stage.settle(40)
        stage.api.delete(REGISTRY, ObjectKey(NAMESPACE, "two"))
        stage.api.compact()
        stage.api.drop_watches("end")
        await stage.settle(60)
        stage.api.faults.clear()
        await stage.settle(400)

        assert stage.told(name="one") == stage.told(name="three") == ("True", "Ready")
        assert stage.names(DEPLOYMENT) == ["one", "three"]
        assert stage.status("one")["readyReplicas"] == 1
        assert len([n for n in stage.names(SECRET) if n.endswith("http-secret")]) == 2
        stage.new_writes()
        await stage.settle(3600)
        assert stage.new_writes() == []


async def test_a_namespace_that_ends_is_left_in_peace(clock: VirtualClock) -> None:
    message = (
        f"unable to create new content in namespace {NAMESPACE} because it is being terminated"
    )
    ends = Forbidden(403, reason="Forbidden", message=message)

    def creates(request: Request) -> bool:
        return request.method == "PATCH" and "/registries/" not in request.path

    stage = RegistryStage(clock)
    stage.api.faults.plan(creates, ends, times=None)
    async with stage.running():
        stage.create()
        await stage.settle()
        assert stage.told() == ("False", "NamespaceTerminating")
        stage.new_writes()
        await stage.settle(1800)
        assert stage.new_writes() == []


async def test_a_crd_that_was_deleted_and_comes_back_is_followed_again(
    stage: RegistryStage,
) -> None:
    async with stage.running() as operator:
        stage.create()
        await stage.settle()
        stage.api.withdraw(REGISTRY)
        await stage.settle(120)
        assert operator.outcomes.stats().owners == 0

        stage.api.declare(REGISTRY)
        stage.create()
        await stage.settle(120)
        assert stage.told() == ("True", "Ready")


async def test_a_specification_that_cannot_be_read_is_told_by_field(stage: RegistryStage) -> None:
    """The CRD was changed by somebody, so that it lets through what it should not."""
    stage.api.declare(REGISTRY)
    async with stage.running():
        stage.create(replicas="many")
        await stage.settle()
        assert stage.told() == ("False", "SpecInvalid")
        assert "spec.replicas" in stage.message()

        stage.change(lambda spec: spec.update(replicas=1))
        await stage.settle()
        assert stage.told() == ("True", "Ready")


async def test_a_secret_that_cannot_be_read_says_which_right_is_missing(
    stage: RegistryStage,
) -> None:
    def reads(request: Request) -> bool:
        return request.method == "GET" and request.path.endswith("/secrets/s3-keys")

    told = 'User "u" cannot get resource "secrets" in API group "" in the namespace "team-a"'
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    stage.api.faults.plan(reads, Forbidden(403, reason="Forbidden", message=told), times=None)
    async with stage.running():
        stage.create(storage=S3)
        await stage.settle()
        assert stage.told("StorageReady") == ("False", "SecretUnreadable")
        assert "cannot get resource" in stage.message()

        stage.api.faults.clear()
        await stage.settle(60)
        assert stage.told() == ("True", "Ready")
