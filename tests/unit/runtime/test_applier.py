"""The writes of children: what is asked of the server, and what the store and the owner hear."""

from typing import Any

import orjson
import pytest

from registry_operator.kube.client import Client
from registry_operator.kube.errors import Conflict, Invalid
from registry_operator.kube.exchange import Request
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.applier import Applier, NameTakenError, key_of
from registry_operator.runtime.store import Store
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock
from tests.example_operator import CONFIG_MAP, GREETING, IDENTITY

KEY = ObjectKey("ns", "x")
SERVICE = Resource("", "v1", "Service", "services")


class Desk:
    """An applier, its store, and what it told its observer."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        # Without an owner the garbage collector would take the children.
        self.owner = Object.of(api.put(GREETING, {"metadata": {"namespace": "ns", "name": "hi"}}))
        self.told: list[tuple[str, str]] = []
        self.store = Store(CONFIG_MAP)
        self.services = Store(SERVICE)
        self.applier = Applier(
            Client(api),
            field_manager="stage/config-map",
            observer=lambda _owner, action, _store, name: self.told.append((action, name)),
        )

    async def apply(self, text: str, found: Object | None = None) -> Object:
        return await self.applier.apply(
            self.store, self.intent(text), owner=self.owner, found=found
        )

    def intent(self, text: str, *, outlives: bool = False) -> dict[str, Any]:
        body = {"metadata": {"namespace": "ns", "name": "x"}, "data": {"text": text}}
        return IDENTITY.mark(body, resource=CONFIG_MAP, owner=self.owner, outlives_owner=outlives)

    @property
    def last(self) -> Request:
        return self.api.requests[-1]


@pytest.fixture
async def desk(clock: VirtualClock) -> Desk:
    return Desk(FakeApi([CONFIG_MAP, SERVICE, GREETING], clock=clock))


async def test_a_first_write_is_not_forced_and_later_ones_are(desk: Desk) -> None:
    written = await desk.apply("one")
    assert dict(desk.last.query) == {"fieldManager": "stage/config-map"}
    await desk.apply("two", found=written)
    assert dict(desk.last.query)["force"] == "true"

    assert desk.told == [("Created", "x"), ("Updated", "x")]


async def test_our_own_write_is_read_at_once(desk: Desk) -> None:
    written = await desk.apply("one")
    held = desk.store.get(KEY)

    assert held is not None
    assert held.resource_version == written.resource_version


async def test_an_object_that_came_meanwhile_is_not_overwritten(desk: Desk) -> None:
    desk.api.put(CONFIG_MAP, {"metadata": {"namespace": "ns", "name": "x"}, "data": {"text": "no"}})
    with pytest.raises(Conflict) as raised:
        await desk.apply("one")

    assert raised.value.causes
    assert desk.told == []


@pytest.mark.parametrize("held", [{"data": {"text": "no"}}, {"data": {"text": "one"}}, {}])
async def test_a_child_is_made_only_where_nothing_has_its_name(
    desk: Desk, held: dict[str, Any]
) -> None:
    theirs = desk.api.put(CONFIG_MAP, {"metadata": {"namespace": "ns", "name": "x"}, **held})
    with pytest.raises(NameTakenError, match=r"configmaps ns/x"):
        await desk.applier.make(desk.store, desk.intent("one"), owner=desk.owner)
    assert desk.api.get(CONFIG_MAP, KEY) == theirs
    assert desk.told == []

    desk.api.delete(CONFIG_MAP, KEY)
    made = await desk.applier.make(desk.store, desk.intent("one"), owner=desk.owner)
    assert made.body()["data"] == {"text": "one"}
    assert desk.told == [("Created", "x")]


def service(desk: Desk, *ports: dict[str, Any]) -> dict[str, Any]:
    """The intent of a Service, whose list of ports others can make invalid."""
    body = {"metadata": {"namespace": "ns", "name": "x"}, "spec": {"ports": list(ports)}}
    return IDENTITY.mark(body, resource=SERVICE, owner=desk.owner, outlives_owner=False)


async def test_lists_that_others_made_invalid_are_replaced(desk: Desk) -> None:
    def ports(number: int) -> dict[str, Any]:
        return service(desk, {"name": "http", "port": number})

    def numbers(written: Object) -> list[int]:
        return [port["port"] for port in written.body()["spec"]["ports"]]

    first = await desk.applier.apply(desk.services, ports(80), owner=desk.owner, found=None)
    moved = desk.api.change(SERVICE, KEY, lambda body: body["spec"]["ports"][0].update(port=81))
    assert [port["port"] for port in moved["spec"]["ports"]] == [81]

    found = Object.of(moved)
    second = await desk.applier.apply(desk.services, ports(80), owner=desk.owner, found=found)
    assert second.body()["spec"] == first.body()["spec"]
    third = await desk.applier.apply(desk.services, ports(90), owner=desk.owner, found=second)
    assert numbers(third) == [90]
    assert third.owner_references == first.owner_references


async def test_a_replacement_of_lists_gives_the_owner_back_and_leaves_those_of_others(
    desk: Desk,
) -> None:
    def take(body: dict[str, Any]) -> None:
        body["spec"]["ports"][0]["port"] = 81
        body["metadata"]["ownerReferences"] = [theirs]

    intent = service(desk, {"name": "http", "port": 80})
    other = desk.api.put(GREETING, {"metadata": {"namespace": "ns", "name": "other"}})["metadata"]
    theirs = {"apiVersion": "v1", "kind": "Greeting", "name": "other", "uid": other["uid"]}
    first = await desk.applier.apply(desk.services, intent, owner=desk.owner, found=None)
    found = Object.of(desk.api.change(SERVICE, KEY, take))
    second = await desk.applier.apply(desk.services, intent, owner=desk.owner, found=found)

    assert [port["port"] for port in second.body()["spec"]["ports"]] == [80]
    uids = [reference["uid"] for reference in second.body()["metadata"]["ownerReferences"]]
    assert uids == [other["uid"], first.owner_references[0].uid]


async def test_a_new_object_that_is_invalid_is_refused(desk: Desk) -> None:
    twins = service(desk, {"name": "http", "port": 1}, {"name": "http", "port": 2})

    with pytest.raises(Invalid, match="Duplicate value"):
        await desk.applier.apply(desk.services, twins, owner=desk.owner, found=None)


async def test_the_look_before_a_first_write_asks_for_metadata_only(desk: Desk) -> None:
    assert await desk.applier.find(desk.store, KEY) is None
    await desk.apply("one")
    found = await desk.applier.find(desk.store, KEY)

    assert found is not None
    assert "data" not in found.body()


async def test_marks_are_restored_and_nothing_else_is_touched(desk: Desk) -> None:
    other = {"apiVersion": "v1", "kind": "K", "name": "n", "uid": "other"}
    desk.api.put(
        CONFIG_MAP,
        {
            "metadata": {
                "namespace": "ns",
                "name": "x",
                "labels": {"theirs": "1"},
                "ownerReferences": [other, {**other, "uid": desk.owner.uid}],
            },
            "data": {"text": "kept"},
        },
    )
    found = await desk.applier.find(desk.store, KEY)
    assert found is not None
    await desk.applier.restore_marks(desk.store, found, intent=desk.intent("new"), owner=desk.owner)

    stored = desk.api.get(CONFIG_MAP, KEY)
    assert stored is not None
    assert stored["data"] == {"text": "kept"}
    assert stored["metadata"]["labels"] == {"theirs": "1", **IDENTITY.labels(desk.owner)}
    assert stored["metadata"]["ownerReferences"][0] == other
    held = desk.store.get(KEY)
    assert held is not None
    owner = held.controller()
    assert owner is not None
    assert owner.uid == desk.owner.uid
    assert desk.told == [("Updated", "x")]


async def test_marks_of_what_outlives_its_owner_name_no_owner(desk: Desk) -> None:
    await desk.apply("one")
    found = desk.store.get(KEY)
    assert found is not None
    unowned = desk.intent("one", outlives=True)
    await desk.applier.restore_marks(desk.store, found, intent=unowned, owner=desk.owner)

    assert "ownerReferences" not in orjson.loads(desk.last.body or b"")["metadata"]


async def test_marks_are_not_restored_on_an_object_that_changed_meanwhile(desk: Desk) -> None:
    written = await desk.apply("one")
    desk.api.change(CONFIG_MAP, KEY, lambda body: body["data"].update(text="two"))

    with pytest.raises(Conflict):
        await desk.applier.restore_marks(
            desk.store, written, intent=desk.intent("x"), owner=desk.owner
        )


async def test_exactly_what_was_looked_at_is_deleted(desk: Desk) -> None:
    written = await desk.apply("one")
    desk.api.change(CONFIG_MAP, KEY, lambda body: body["data"].update(text="two"))
    with pytest.raises(Conflict):
        await desk.applier.delete(desk.store, written, owner=desk.owner)

    fresh = await Client(desk.api).get(CONFIG_MAP, KEY)
    await desk.applier.delete(desk.store, fresh, owner=desk.owner)

    assert desk.api.objects(CONFIG_MAP) == []
    assert desk.store.get(KEY) is None
    assert desk.told[-1] == ("Deleted", "x")


async def test_what_waits_for_finalizers_stays_in_the_store(desk: Desk) -> None:
    await desk.apply("one")
    held = desk.api.change(
        CONFIG_MAP, KEY, lambda body: body["metadata"].update(finalizers=["example.org/hold"])
    )
    desk.store.wrote(Object.of(held))
    child = desk.store.get(KEY)
    assert child is not None
    await desk.applier.delete(desk.store, child, owner=desk.owner)

    assert desk.store.get(KEY) is not None


async def test_what_is_gone_already_is_no_news(desk: Desk) -> None:
    written = await desk.apply("one")
    desk.api.delete(CONFIG_MAP, KEY)
    await desk.applier.delete(desk.store, written, owner=desk.owner)

    assert desk.told == [("Created", "x")]


def test_the_key_of_a_cluster_scoped_body_has_no_namespace() -> None:
    assert key_of({"metadata": {"name": "x"}}) == ObjectKey("", "x")
