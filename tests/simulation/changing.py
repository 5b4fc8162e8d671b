"""A Registry whose pods are changed: how it begins, what is done to it, what is seen of it."""

from typing import Any

from controllers.kinds import DEPLOYMENT, REGISTRY
from registry_operator.distribution.check import Result, Verdict
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import NAMESPACE
from tests.unit.controllers.registry_stage import PASSED, RegistryStage

FAILED = Result(Verdict.FAILED, "pull", "GET /v2/: 500 instead of 200", 0.1)
KEYS = {"accessKey": "a", "secretKey": "s"}
OLD, NEW = "registry:3.0.0", "registry:3.1.2"


async def started(stage: RegistryStage, **spec: Any) -> None:
    stage.create(image=OLD, **spec)
    await stage.settle()
    assert stage.told() == ("True", "Ready")
    stage.new_writes()


def to(stage: RegistryStage, image: str) -> None:
    stage.change(lambda spec: spec.update(image=image))


def image_of(stage: RegistryStage) -> str:
    return running(stage.one(DEPLOYMENT))


def running(body: dict[str, Any]) -> str:
    pod = body["spec"].get("template", body)["spec"]
    return str(pod["containers"][0]["image"])


def phase(stage: RegistryStage) -> str | None:
    phase: str | None = stage.status().get("upgrade", {}).get("phase")
    return phase


def annotate(stage: RegistryStage, name: str, value: str | None) -> None:
    def set_it(body: dict[str, Any]) -> None:
        annotations = body["metadata"].setdefault("annotations", {})
        annotations.pop(name, None) if value is None else annotations.update({name: value})

    stage.api.change(REGISTRY, ObjectKey(NAMESPACE, "images"), set_it)


def ill(stage: RegistryStage, image: str) -> None:
    """Pods of an image do not become ready."""
    stage.cluster.is_well = lambda pod: running(pod) != image


def fails(stage: RegistryStage, *images: str) -> None:
    """Pods of an image are ready, and fail when they are tried."""
    stage.check = lambda pod: FAILED if running(pod) in images else PASSED


async def half_made(stage: RegistryStage, **upgrade: Any) -> None:
    """A change is rolled out without a canary, and its pods do not become ready."""
    await started(stage, upgrade={"canary": False, "progressDeadlineSeconds": 60, **upgrade})
    ill(stage, NEW)
    to(stage, NEW)
    await stage.settle(30)


async def assert_made(stage: RegistryStage) -> None:
    """What is wanted comes to all pods."""
    await stage.settle(60)
    assert stage.told() == ("True", "Ready")
    assert image_of(stage) == NEW
