"""What a Registry does whose image's tag tells no release, in the whole operator."""

import json
from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, POD, SECRET, SERVICE
from controllers.registry import releases
from registry_operator.api.names import LABEL_COMPONENT, VERSION_PROBE
from registry_operator.distribution import probe
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import EMPTY_DIR, NAMESPACE
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry_stage import RegistryStage

pytestmark = pytest.mark.virtual

LATEST = "registry:latest"


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock)


def probes(stage: RegistryStage) -> list[dict[str, Any]]:
    """The pods that ask an image."""
    return [
        pod
        for pod in stage.api.objects(POD)
        if pod["metadata"]["labels"][LABEL_COMPONENT] == VERSION_PROBE
    ]


def remembered(stage: RegistryStage) -> Any:
    annotations = stage.one(DEPLOYMENT)["metadata"]["annotations"]
    return json.loads(annotations.get(releases.ANNOTATION, "{}"))


async def test_an_image_whose_tag_tells_nothing_is_asked_once_and_its_answer_kept(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.create(image=LATEST, storage=EMPTY_DIR)
        await stage.settle()

        assert stage.told() == ("True", "Ready")
        assert stage.message("ConfigurationValid").startswith("rendered for release 3.1.2")
        assert stage.status()["version"] == "3.1.2"
        assert remembered(stage) == {LATEST: {"version": "3.1.2"}}
        assert probes(stage) == []


async def test_a_tag_that_tells_the_release_costs_no_pod(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create(image="registry:3.1.2", storage=EMPTY_DIR)
        await stage.settle()

        assert not [write for write in stage.new_writes() if "/pods" in write.path]
        assert remembered(stage) == {}


async def test_no_registry_pod_is_made_before_the_image_has_answered(stage: RegistryStage) -> None:
    stage.cluster.version_of = lambda _image: "v2.8.3"
    async with stage.running():
        stage.create(
            image=LATEST, storage=EMPTY_DIR, config={"storage": {"tag": {"concurrencylimit": 1}}}
        )
        await stage.settle()

        assert stage.told() == ("False", "KeyUnknown")
        assert "the image is 2.8.3" in stage.message()
        assert stage.names(DEPLOYMENT) == []


async def test_the_pod_that_asks_is_no_pod_of_the_service_and_has_no_rights(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.cluster.version_of = lambda _image: None
        stage.create(image=LATEST, storage=EMPTY_DIR, nodeSelector={"disk": "fast"})
        await stage.settle(3.0)
        (pod,) = probes(stage)
        selector = stage.one(SERVICE)["spec"]["selector"]

        assert not selector.items() <= pod["metadata"]["labels"].items()
        spec = pod["spec"]
        assert spec["restartPolicy"] == "Never"
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["nodeSelector"] == {"disk": "fast"}
        assert spec["containers"][0]["command"] == ["registry"]
        assert probe.CONFIGURATION in pod["metadata"]["annotations"].values()
        assert stage.told() == ("False", "ReleaseNotRead")
        assert stage.told("ConfigurationValid") == ("Unknown", "ReleaseNotRead")


async def test_an_image_that_says_nothing_is_served_as_any_release_and_that_is_told(
    stage: RegistryStage,
) -> None:
    stage.cluster.version_of = lambda _image: ""
    async with stage.running():
        stage.create(image=LATEST, storage=EMPTY_DIR)
        await stage.settle()

        assert stage.told() == ("True", "Ready")
        assert "version" not in stage.status()
        told = stage.message("ConfigurationValid")
        assert told.startswith("rendered for any release")
        assert "ended with exit code 1" in told
        assert probes(stage) == []


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (
            {
                "phase": "Pending",
                "containerStatuses": [
                    {"name": "registry", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
                ],
            },
            "can't be pulled",
        ),
        ({"phase": "Failed", "reason": "DeadlineExceeded"}, "ended early (DeadlineExceeded)"),
        (
            {
                "phase": "Pending",
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
                ],
            },
            "no node can take",
        ),
    ],
)
async def test_whatever_stands_against_asking_stands_against_nothing_else(
    stage: RegistryStage, status: dict[str, Any], why: str
) -> None:
    async with stage.running():
        stage.cluster.version_of = lambda _image: None
        stage.create(image=LATEST, storage=EMPTY_DIR)
        await stage.settle(3.0)
        (pod,) = probes(stage)
        stage.api.set_status(POD, ObjectKey(NAMESPACE, pod["metadata"]["name"]), status)
        await stage.settle()

        assert stage.told() == ("True", "Ready")
        assert why in stage.message("ConfigurationValid")
        assert probes(stage) == []


async def test_a_new_image_is_asked_while_the_old_one_serves(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create(image="registry:3.0.0", storage=EMPTY_DIR)
        await stage.settle()
        stage.change(lambda spec: spec.update(image=LATEST))
        await stage.settle()

        assert stage.told() == ("True", "Ready")
        assert (stage.status()["image"], stage.status()["version"]) == (LATEST, "3.1.2")

        stage.change(lambda spec: spec.update(image="registry@sha256:" + "a" * 64))
        await stage.settle()

        assert stage.told() == ("True", "Ready")
        assert sorted(remembered(stage)) == [LATEST, "registry@sha256:" + "a" * 64]


async def test_whoever_removes_the_annotation_has_the_image_asked_again(
    stage: RegistryStage,
) -> None:
    stage.cluster.version_of = lambda _image: ""
    async with stage.running():
        stage.create(image=LATEST, storage=EMPTY_DIR)
        await stage.settle()
        stage.cluster.version_of = lambda _image: "v3.1.1"
        stage.api.change(
            DEPLOYMENT,
            ObjectKey(NAMESPACE, "images"),
            lambda body: body["metadata"]["annotations"].pop(releases.ANNOTATION),
        )
        await stage.settle()

        assert remembered(stage) == {LATEST: {"version": "3.1.1"}}
        assert stage.told() == ("True", "Ready")


async def test_an_operator_that_starts_anew_asks_nobody(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create(image=LATEST, storage=EMPTY_DIR)
        await stage.settle()
    stage.cluster.version_of = lambda _image: None
    before = stage.one(DEPLOYMENT)["metadata"]["resourceVersion"]
    async with stage.running():
        await stage.settle()

        assert stage.one(DEPLOYMENT)["metadata"]["resourceVersion"] == before
        assert stage.told() == ("True", "Ready")


async def test_what_somebody_else_wrote_into_the_annotation_is_no_answer(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.create(image=LATEST, storage=EMPTY_DIR)
        await stage.settle()
        stage.api.change(
            DEPLOYMENT,
            ObjectKey(NAMESPACE, "images"),
            lambda body: body["metadata"]["annotations"].update({releases.ANNOTATION: "[1]"}),
        )
        await stage.settle()

        assert remembered(stage) == {LATEST: {"version": "3.1.2"}}
        assert stage.names(SECRET)


async def test_what_an_image_said_counts_when_the_next_one_is_judged(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create(image=LATEST, storage=EMPTY_DIR)
        await stage.settle(60)
        stage.change(lambda spec: spec.update(image="registry:2.8.3"))
        await stage.settle(60)

        assert stage.status()["upgrade"]["phase"] == "Refused"
        assert "DowngradeRefused" in stage.status()["upgrade"]["message"]
        assert stage.status()["version"] == "3.1.2"


async def test_an_image_that_is_asked_is_judged_by_what_it_says(stage: RegistryStage) -> None:
    stage.cluster.version_of = lambda _image: "2.8.3"
    async with stage.running():
        stage.create(image="registry:3.1.2", storage=EMPTY_DIR)
        await stage.settle(60)
        stage.change(lambda spec: spec.update(image=LATEST))
        await stage.settle(60)

        assert stage.status()["upgrade"]["phase"] == "Refused"
        assert "DowngradeRefused" in stage.status()["upgrade"]["message"]
        assert stage.status()["version"] == "3.1.2"


async def test_pods_whose_deployment_somebody_deleted_do_not_wait_for_an_answer(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.create(image=LATEST, storage=EMPTY_DIR)
        await stage.settle()
        stage.cluster.version_of = lambda _image: None
        stage.api.delete(DEPLOYMENT, ObjectKey(NAMESPACE, "images"))
        await stage.settle(3.0)

        assert remembered(stage) == {LATEST: {"version": "3.1.2"}}
        assert probes(stage) == []


async def test_an_image_is_not_asked_again_each_time_somebody_takes_our_label_from_a_deployment(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.create(image=LATEST, storage=EMPTY_DIR)
        await stage.settle()
        stage.new_writes()
        for _ in range(4):
            stage.api.change(
                DEPLOYMENT,
                ObjectKey(NAMESPACE, "images"),
                lambda body: body["metadata"]["labels"].clear(),
            )
            await stage.settle(10)

        assert stage.one(DEPLOYMENT)["metadata"]["labels"]
        assert [write.path for write in stage.new_writes() if "/pods" in write.path] == []


async def test_a_paused_registry_that_lost_its_deployment_says_the_same_after_a_restart(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.create(image=LATEST, storage=EMPTY_DIR)
        await stage.settle()
        stage.change(lambda spec: spec.update(paused=True))
        await stage.settle()
        stage.api.delete(DEPLOYMENT, ObjectKey(NAMESPACE, "images"))
        await stage.settle()
    before = stage.status()
    async with stage.running():
        await stage.settle()

        assert stage.status() == before
        assert probes(stage) == []
