"""Whom the garbage collector takes, whom it spares, and in which order."""

from collections.abc import Mapping
from typing import Any

import pytest

from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.fake_api import Change, FakeApi
from registry_operator.testing.virtual_loop import VirtualClock

pytestmark = pytest.mark.virtual

NODES = Resource("", "v1", "Node", "nodes", namespaced=False)
SECRETS = Resource("", "v1", "Secret", "secrets")
WIDGETS = Resource("example.org", "v1", "Widget", "widgets")


@pytest.fixture
def api() -> FakeApi:
    return FakeApi([NODES, SECRETS, WIDGETS], clock=VirtualClock())


def a_widget(name: str, *owners: Mapping[str, Any], **metadata: Any) -> dict[str, Any]:
    references = {"ownerReferences": [owned_by(owner) for owner in owners]} if owners else {}
    own = {"name": name, "namespace": "ns", **references, **metadata}
    return {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": own}


def owned_by(owner: Mapping[str, Any], *, blocks: bool = True) -> dict[str, Any]:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": blocks,
    }


def names(api: FakeApi, resource: Resource = WIDGETS) -> list[str]:
    return [body["metadata"]["name"] for body in api.objects(resource)]


def the(name: str) -> ObjectKey:
    return ObjectKey("ns", name)


def release(api: FakeApi, name: str) -> None:
    """Whoever held it by a finalizer lets go."""
    api.change(WIDGETS, the(name), lambda body: body["metadata"].pop("finalizers"))


async def test_grandchildren_go_too(api: FakeApi) -> None:
    owner = api.put(WIDGETS, a_widget("owner"))
    child = api.put(WIDGETS, a_widget("child", owner))
    api.put(WIDGETS, a_widget("grandchild", child))
    api.delete(WIDGETS, the("owner"))

    assert names(api) == []


async def test_one_owner_that_stays_is_enough_and_the_reference_to_the_other_is_cut(
    api: FakeApi,
) -> None:
    one, other = api.put(WIDGETS, a_widget("one")), api.put(WIDGETS, a_widget("other"))
    api.put(WIDGETS, a_widget("shared", one, other))
    api.delete(WIDGETS, the("one"))

    assert names(api) == ["other", "shared"]
    (left,) = api.objects(WIDGETS)[1]["metadata"]["ownerReferences"]
    assert left["uid"] == other["metadata"]["uid"]
    api.delete(WIDGETS, the("other"))
    assert names(api) == []


async def test_an_owner_in_another_namespace_is_none(api: FakeApi) -> None:
    foreign = api.put(WIDGETS, a_widget("foreign", namespace="elsewhere"))
    node = api.put(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}})
    api.put(WIDGETS, a_widget("of-the-foreign", foreign))
    api.put(WIDGETS, a_widget("of-the-node", node))

    assert names(api) == ["foreign", "of-the-node"]


async def test_an_owner_that_was_made_anew_under_its_name_is_another(api: FakeApi) -> None:
    before = api.put(WIDGETS, a_widget("owner"))
    api.delete(WIDGETS, the("owner"))
    api.put(WIDGETS, a_widget("owner"))
    api.put(WIDGETS, a_widget("late", before))

    assert names(api) == ["owner"]


async def test_nobody_goes_for_an_owner_whose_kind_is_not_served(api: FakeApi) -> None:
    unknown = {"apiVersion": "example.org/v1", "kind": "Gadget"}
    api.put(WIDGETS, a_widget("child", unknown | {"metadata": {"name": "x", "uid": "never"}}))

    assert names(api) == ["child"]


async def test_what_a_withdrawn_kind_owned_goes_with_it(api: FakeApi) -> None:
    owner = api.put(WIDGETS, a_widget("owner"))
    child = a_widget("child", owner)["metadata"]
    api.put(SECRETS, {"metadata": child})
    api.withdraw(WIDGETS)

    assert names(api, SECRETS) == []


async def test_a_child_that_begins_to_name_a_dead_owner_goes(api: FakeApi) -> None:
    owner = api.put(WIDGETS, a_widget("owner"))
    api.put(WIDGETS, a_widget("child"))
    api.delete(WIDGETS, the("owner"))
    reference = owned_by(owner)
    api.change(WIDGETS, the("child"), lambda b: b["metadata"].update(ownerReferences=[reference]))

    assert names(api) == []


async def test_foreground_deletion_goes_from_the_leaves_to_the_root(api: FakeApi) -> None:
    owner = api.put(WIDGETS, a_widget("owner"))
    child = api.put(WIDGETS, a_widget("child", owner))
    api.put(WIDGETS, a_widget("grandchild", child))
    gone: list[str] = []

    def note(change: Change) -> None:
        if change.kind == "DELETED":
            gone.append(change.new["metadata"]["name"])

    api.subscribe(note)
    api.delete(WIDGETS, the("owner"), propagation="Foreground")

    assert gone == ["grandchild", "child", "owner"]


async def test_only_children_that_block_are_waited_for(api: FakeApi) -> None:
    owner = api.put(WIDGETS, a_widget("owner"))
    child = a_widget("child", finalizers=["example.org/hold"])
    child["metadata"]["ownerReferences"] = [owned_by(owner, blocks=False)]
    api.put(WIDGETS, child)
    api.delete(WIDGETS, the("owner"), propagation="Foreground")

    assert names(api) == ["child"]
    release(api, "child")
    assert names(api) == []


async def test_a_child_that_is_let_go_no_longer_blocks(api: FakeApi) -> None:
    owner = api.put(WIDGETS, a_widget("owner"))
    api.put(WIDGETS, a_widget("child", owner, finalizers=["example.org/hold"]))
    api.delete(WIDGETS, the("owner"), propagation="Foreground")
    assert names(api) == ["child", "owner"]
    api.change(WIDGETS, the("child"), lambda body: body["metadata"].pop("ownerReferences"))

    assert names(api) == ["child"]


async def test_one_deletion_looks_at_nobody_else(api: FakeApi) -> None:
    for number in range(200):
        owner = api.put(WIDGETS, a_widget(f"owner-{number}"))
        api.put(SECRETS, {"metadata": a_widget(f"child-{number}", owner)["metadata"]})
    changes: list[Change] = []
    api.subscribe(changes.append)
    before = api.revision
    api.delete(WIDGETS, the("owner-7"))

    assert [change.new["metadata"]["name"] for change in changes] == ["owner-7", "child-7"]
    assert api.revision == before + 2
