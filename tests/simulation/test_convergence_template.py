"""The whole operator and templates: what many share reaches each, and never takes one down."""

from collections import Counter
from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, REGISTRY, REGISTRY_TEMPLATE, SECRET
from registry_operator.kube.errors import Forbidden
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import EMPTY_DIR, NAMESPACE, S3, a_secret
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry_stage import RegistryStage

pytestmark = pytest.mark.virtual

BASE = ObjectKey("", "base")
KEYS = {"accessKey": "AKIA", "secretKey": "do-not-tell-s3"}


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock)


def image_of(stage: RegistryStage, name: str = "images") -> str:
    pod = stage.one(DEPLOYMENT, name)["spec"]["template"]["spec"]
    image: str = pod["containers"][0]["image"]
    return image


def template_status(stage: RegistryStage) -> dict[str, Any]:
    body = stage.api.get(REGISTRY_TEMPLATE, BASE)
    assert body is not None
    status: dict[str, Any] = body.get("status", {})
    return status


def template_told(stage: RegistryStage) -> tuple[str, str]:
    ready = template_status(stage)["conditions"][0]
    return ready["status"], ready["reason"]


async def test_a_registry_is_made_of_its_template_and_what_it_says_itself(
    stage: RegistryStage,
) -> None:
    stage.create_template(replicas=1, image="registry:3.0.0", storage=EMPTY_DIR)
    async with stage.running():
        stage.create(template="base", storage=None, image="registry:3.1.2")
        await stage.settle()

        assert stage.told() == ("True", "Ready")
        assert stage.told("TemplateApplied") == ("True", "TemplateApplied")
        assert image_of(stage) == "registry:3.1.2"
        assert stage.status()["template"] == {"name": "base", "generation": 1}
        assert stage.status()["storage"] == {"kind": "emptyDir"}
        assert template_told(stage) == ("True", "UpToDate")
        assert template_status(stage)["registries"] == 1


async def test_a_change_of_the_template_reaches_everybody_who_uses_it_and_nobody_else(
    stage: RegistryStage,
) -> None:
    stage.create_template(image="registry:3.0.0", storage=EMPTY_DIR)
    async with stage.running():
        for name in ("red", "green"):
            stage.create(name, template="base", storage=None)
        stage.create("own", template="base", image="registry:3.1.1")
        stage.create("alone", image="registry:3.0.0")
        await stage.settle()
        stage.change_template(image="registry:3.1.2")
        await stage.settle(60)

        images = {name: image_of(stage, name) for name in ("red", "green", "own", "alone")}
        assert images == {
            "red": "registry:3.1.2",
            "green": "registry:3.1.2",
            "own": "registry:3.1.1",
            "alone": "registry:3.0.0",
        }
        assert stage.status("red")["template"]["generation"] == 2
        assert stage.status("own")["template"]["generation"] == 2
        assert "template" not in stage.status("alone")
        assert template_told(stage) == ("True", "UpToDate")
        assert template_status(stage)["upToDate"] == 3


async def test_null_takes_away_what_the_template_says(stage: RegistryStage) -> None:
    stage.create_template(
        storage=EMPTY_DIR, nodeSelector={"disk": "fast", "zone": "a"}, image="registry:3.0.0"
    )
    async with stage.running():
        stage.create(template="base", storage=None, image=None, nodeSelector={"zone": "b"})
        await stage.settle()
        pod = stage.one(DEPLOYMENT)["spec"]["template"]["spec"]
        assert pod["nodeSelector"] == {"disk": "fast", "zone": "b"}
        assert image_of(stage) == "registry:3.1.2"

        stage.change(lambda spec: spec.update(nodeSelector=None))
        await stage.settle()
        assert "nodeSelector" not in stage.one(DEPLOYMENT)["spec"]["template"]["spec"]


async def test_a_template_that_is_missing_is_waited_for(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create(template="base", storage=None)
        await stage.settle()
        assert stage.told() == ("False", "TemplateNotFound")
        assert stage.told("Reconciling") == ("True", "TemplateNotFound")
        assert stage.names(DEPLOYMENT) == []

        stage.create_template(storage=EMPTY_DIR)
        await stage.settle()
        assert stage.told() == ("True", "Ready")


async def test_a_template_that_is_deleted_stops_nothing_and_is_told(stage: RegistryStage) -> None:
    stage.create_template(storage=EMPTY_DIR, image="registry:3.0.0")
    async with stage.running():
        stage.create(template="base", storage=None)
        await stage.settle()
        before = stage.one(DEPLOYMENT)
        stage.api.delete(REGISTRY_TEMPLATE, BASE)
        await stage.settle()

        assert stage.told() == ("False", "TemplateNotFound")
        assert stage.told("Available") == ("True", "Serving")
        assert stage.status()["template"] == {"name": "base", "generation": 1}
        assert stage.one(DEPLOYMENT)["spec"] == before["spec"]

        stage.create_template(storage=EMPTY_DIR, image="registry:3.1.2")
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        assert image_of(stage) == "registry:3.1.2"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"config": {"no": "key"}}, "KeyUnknown"),
        ({"image": "registry:2.7.1"}, "ReleaseUnsupported"),
        ({"service": {"loadBalancerClass": "x"}}, "TemplateInvalid"),
    ],
)
async def test_a_template_that_is_wrong_breaks_nothing_that_runs(
    stage: RegistryStage, wrong: dict[str, Any], reason: str
) -> None:
    stage.create_template(storage=EMPTY_DIR)
    async with stage.running():
        stage.create(template="base", storage=None)
        await stage.settle()
        before = stage.one(DEPLOYMENT)
        stage.change_template(**wrong)
        await stage.settle()

        assert stage.told() == ("False", reason)
        assert stage.told("Stalled") == ("True", reason)
        assert stage.told("TemplateApplied") == ("False", reason)
        assert stage.told("Available") == ("True", "Serving")
        assert stage.status()["template"]["generation"] == 1
        assert stage.one(DEPLOYMENT)["spec"] == before["spec"]
        assert template_told(stage) == ("False", "Refused")
        assert "team-a/images" in template_status(stage)["conditions"][0]["message"]

    # A process without memory leaves it alone too.
    writes = len(stage.api.writes())
    async with stage.running():
        await stage.settle()
        assert len(stage.api.writes()) == writes
        stage.change_template(**dict.fromkeys(wrong))
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        assert template_told(stage) == ("True", "UpToDate")


async def test_another_template_is_another_specification(stage: RegistryStage) -> None:
    stage.create_template(storage=EMPTY_DIR, image="registry:3.0.0")
    stage.create_template("other", storage=EMPTY_DIR, image="registry:3.1.2")
    async with stage.running():
        stage.create(template="base", storage=None)
        await stage.settle()
        key = ObjectKey(NAMESPACE, "images")
        stage.api.change(REGISTRY, key, lambda body: body.update(template="other"))
        await stage.settle()
        assert image_of(stage) == "registry:3.1.2"
        assert template_told(stage) == ("True", "Unused")

        stage.api.change(REGISTRY, key, lambda body: body.pop("template"))
        await stage.settle()
        assert stage.told() == ("False", "StorageNotSpecified")
        assert stage.told("TemplateApplied") == ("", "")


async def test_the_secret_that_a_template_names_is_read_and_followed(stage: RegistryStage) -> None:
    stage.create_template(storage=EMPTY_DIR)
    async with stage.running() as operator:
        stage.create(template="base", storage=None)
        await stage.settle()
        stage.change_template(storage=S3)
        await stage.settle()
        assert stage.told() == ("False", "SecretNotFound")

        secret = a_secret("s3-keys", KEYS)
        del secret["metadata"]["uid"]
        stage.api.put(SECRET, secret)
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        assert stage.status()["storage"]["kind"] == "s3"

        stage.change_template(storage={"s3": {"bucket": "images"}})
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        held = operator.metrics.registry.get_sample_value(
            "registry_operator_cached_objects", {"kind": "secrets referenced"}
        )
        assert held == 0


async def test_a_template_that_changes_its_storage_leaves_no_images_behind(
    stage: RegistryStage,
) -> None:
    stage.create_template(storage={"s3": {"bucket": "images"}})
    async with stage.running():
        stage.create(template="base", storage=None)
        await stage.settle()
        before = stage.one(DEPLOYMENT)
        stage.change_template(storage=EMPTY_DIR)
        await stage.settle()
        assert stage.told() == ("False", "MigrationRequired")
        assert "images are in s3" in stage.message()
        assert stage.one(DEPLOYMENT)["spec"] == before["spec"]
        assert template_told(stage) == ("False", "Refused")

    async with stage.running():
        await stage.settle()
        assert stage.one(DEPLOYMENT)["spec"] == before["spec"]
        stage.change_template(storage={"s3": {"bucket": "images"}})
        await stage.settle()
        assert stage.told() == ("True", "Ready")


async def test_a_pause_by_the_template_holds_everybody_and_its_end_lets_them_go(
    stage: RegistryStage,
) -> None:
    stage.create_template(storage=EMPTY_DIR, image="registry:3.0.0")
    async with stage.running():
        stage.create(template="base", storage=None)
        await stage.settle()
        stage.change_template(paused=True, image="registry:3.1.2")
        await stage.settle()
        assert stage.told() == ("True", "Paused")
        assert stage.told("TemplateApplied") == ("False", "Paused")
        assert image_of(stage) == "registry:3.0.0"
        assert template_told(stage) == ("False", "Updating")

        stage.change_template(paused=False)
        await stage.settle()
        assert image_of(stage) == "registry:3.1.2"
        assert template_told(stage) == ("True", "UpToDate")


async def test_at_rest_and_across_a_restart_nothing_is_written(stage: RegistryStage) -> None:
    stage.create_template(storage=EMPTY_DIR)
    async with stage.running():
        for number in range(5):
            stage.create(f"r{number}", template="base", storage=None)
        await stage.settle()
        before = len(stage.api.writes())
        await stage.settle(3600)
        assert len(stage.api.writes()) == before
    async with stage.running():
        await stage.settle()
        assert len(stage.api.writes()) == before


async def test_templates_that_may_not_be_read_are_told_and_taken_up_once_they_may(
    stage: RegistryStage,
) -> None:
    def templates(request: Request) -> bool:
        return request.path.endswith(f"/{REGISTRY_TEMPLATE.plural}")

    stage.api.faults.plan(templates, Forbidden(403, reason="Forbidden", message="no"), times=None)
    stage.create_template(storage=EMPTY_DIR)
    async with stage.running():
        stage.create(template="base", storage=None)
        stage.create("alone")
        await stage.settle()
        assert stage.told() == ("False", "TemplateUnreadable")
        assert "list" in stage.message()
        assert stage.told(name="alone") == ("True", "Ready")

        stage.api.faults.clear()
        await stage.settle(120)
        assert stage.told() == ("True", "Ready")


async def test_a_cluster_without_the_kind_serves_everybody_who_names_no_template(
    clock: VirtualClock,
) -> None:
    stage = RegistryStage(clock)
    stage.api.withdraw(REGISTRY_TEMPLATE)
    async with stage.running():
        stage.create()
        stage.create("other", template="base", storage=None)
        await stage.settle()

        assert stage.told() == ("True", "Ready")
        assert stage.told(name="other") == ("False", "TemplateUnreadable")


async def test_the_first_fifty_follow_at_once_and_the_rest_fifty_a_second(
    stage: RegistryStage, clock: VirtualClock
) -> None:
    all_at_once = {"maxUnavailable": "100%"}
    stage.create_template(storage=EMPTY_DIR, image="registry:3.0.0", rollout=all_at_once)
    async with stage.running():
        for number in range(200):
            stage.create(f"r{number:03}", template="base", storage=None)
        await stage.settle(60)
        written: Counter[int] = Counter()
        began = clock.monotonic()
        stage.api.subscribe(
            lambda change: (
                written.update([int(clock.monotonic() - began)])
                if change.resource == DEPLOYMENT and change.kind == "ADDED"
                else None
            )
        )
        stage.change_template(image="registry:3.1.2")
        await stage.settle(60)

        assert written.total() == 200
        assert max(written.values()) <= 101
        assert max(written) <= 4
        assert template_status(stage)["upToDate"] == 200
