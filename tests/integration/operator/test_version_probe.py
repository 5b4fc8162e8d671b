"""The pod that asks an image for its release, before a real API server that enforces `restricted`."""

import json
from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, POD, REGISTRY
from hack.world import MERGE, World
from registry_operator.api.names import LABEL_COMPONENT, VERSION_PROBE
from registry_operator.distribution import probe

pytestmark = pytest.mark.integration

_IMAGE = "registry:edge"
_RELEASES = "registry-operator.dev/releases"


def asking(world: World) -> list[dict[str, Any]]:
    pods = world.items(POD, owner="images")
    return [pod for pod in pods if pod["metadata"]["labels"][LABEL_COMPONENT] == VERSION_PROBE]


def answer(world: World, pod: dict[str, Any], version: str) -> None:
    """Ends the pod as the kubelet would; the simulated one only has it run."""
    name = pod["metadata"]["name"]
    world.until(
        lambda: (world.get(POD, name) or {}).get("status", {}).get("podIP"), about="the pod runs"
    )
    ended = {"exitCode": 1, "reason": "Error", "message": f'{{"version":"{version}"}}'}
    told = {
        "name": "registry",
        "image": _IMAGE,
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"terminated": ended},
    }
    path = f"{POD.path(world.namespace, name)}/status"
    body = {"status": {"phase": "Failed", "containerStatuses": [told]}}
    done = world.cluster.api.request("PATCH", path, body, content=MERGE)
    assert done.status == 200, done.text


def restrict(world: World) -> None:
    """Has the API server refuse pods that do not meet Pod Security `restricted`."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    path = f"/api/v1/namespaces/{world.namespace}"
    done = world.cluster.api.request("PATCH", path, {"metadata": {"labels": labels}}, content=MERGE)
    assert done.status == 200, done.text


def test_an_image_whose_tag_tells_nothing_is_asked_by_one_pod(world: World) -> None:
    restrict(world)
    world.create_registry("images", {"image": _IMAGE, "storage": {"emptyDir": {}}})
    (pod,) = world.until(lambda: asking(world), about="a pod that asks")

    assert pod["metadata"]["annotations"]["registry-operator.dev/configuration"] == (
        probe.CONFIGURATION
    )
    assert pod["spec"]["restartPolicy"] == "Never"
    assert world.get(DEPLOYMENT, "images") is None

    answer(world, pod, "v3.1.2")
    world.until(lambda: world.is_ready("images"), about="ready", seconds=40)
    world.until(lambda: not asking(world), about="the pod that asked is gone")
    deployment, registry = world.get(DEPLOYMENT, "images"), world.get(REGISTRY, "images")
    assert deployment is not None
    assert registry is not None
    remembered = json.loads(deployment["metadata"]["annotations"][_RELEASES])
    assert remembered == {_IMAGE: {"version": "3.1.2"}}
    assert registry["status"]["version"] == "3.1.2"
