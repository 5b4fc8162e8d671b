"""The modelled EndpointSlice controller: a slice tells what its Service and the pods are now."""

from typing import Any

import pytest

from controllers.kinds import ENDPOINT_SLICE, POD, SERVICE
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import NAMESPACE, a_pod, a_registry, a_service
from registry_operator.testing.cluster_model.endpoints import serve
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock

pytestmark = pytest.mark.virtual

KEY = ObjectKey(NAMESPACE, "images")
SLICE = ObjectKey(NAMESPACE, "images-slice")


def a_served_service() -> dict[str, Any]:
    service = a_service(a_registry())
    service["spec"]["ports"] = [{"port": 5000}]
    return service


def told(api: FakeApi) -> dict[str, Any]:
    found = api.peek(ENDPOINT_SLICE, SLICE)
    assert found is not None
    return found


async def test_a_slice_follows_the_labels_of_its_service(clock: VirtualClock) -> None:
    api = FakeApi([SERVICE, ENDPOINT_SLICE, POD], clock=clock)
    registry = a_registry()
    api.put(SERVICE, a_served_service())
    labels = a_service(registry)["metadata"]["labels"]
    pods = [a_pod(registry, "images-1")]
    serve(api, KEY, pods)
    made = told(api)["metadata"]["labels"]

    api.change(SERVICE, KEY, lambda body: body["metadata"].pop("labels"))
    serve(api, KEY, pods)
    robbed = told(api)["metadata"].get("labels")
    api.change(SERVICE, KEY, lambda body: body["metadata"].update(labels=labels))
    serve(api, KEY, pods)

    assert made == told(api)["metadata"]["labels"] == labels
    assert not robbed


async def test_a_slice_that_tells_the_truth_is_let_be(clock: VirtualClock) -> None:
    api = FakeApi([SERVICE, ENDPOINT_SLICE, POD], clock=clock)
    registry = a_registry()
    api.put(SERVICE, a_served_service())
    serve(api, KEY, [a_pod(registry, "images-1")])
    before = told(api)
    serve(api, KEY, [a_pod(registry, "images-1")])
    unchanged = told(api)
    serve(api, KEY, [])

    assert unchanged == before
    assert not told(api).get("endpoints")
