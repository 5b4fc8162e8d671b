"""The fake API server, seen through the real client."""

import asyncio
from typing import Any

import pytest

from registry_operator.kube.client import Client
from registry_operator.kube.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    MethodNotAllowed,
    NotFound,
    RequestTimeout,
    ServiceUnavailable,
    TransportError,
)
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.fake_api import FakeApi, Fault
from registry_operator.testing.fake_api.namespaces import NAMESPACES
from registry_operator.testing.fake_transport import on
from registry_operator.testing.virtual_loop import VirtualClock

pytestmark = pytest.mark.virtual

SECRETS = Resource("", "v1", "Secret", "secrets")
DEPLOYMENTS = Resource("apps", "v1", "Deployment", "deployments")
WIDGETS = Resource("example.org", "v1", "Widget", "widgets")
KEY = ObjectKey("ns", "one")


@pytest.fixture
def api() -> FakeApi:
    return FakeApi([SECRETS, DEPLOYMENTS, WIDGETS], clock=VirtualClock())


@pytest.fixture
def client(api: FakeApi) -> Client:
    return Client(api)


def a_widget(name: str = "one", **extra: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ns", **extra.pop("metadata", {})}
    return {"metadata": metadata, "spec": {"size": 1}, **extra}


async def test_a_created_object_has_identity_and_can_be_read(client: Client) -> None:
    created = await client.create(WIDGETS, a_widget())

    assert created.uid
    assert created.generation == 1
    assert created.resource_version == "2"
    assert await client.get(WIDGETS, KEY) == created
    assert created.body()["metadata"]["creationTimestamp"] == "2026-01-01T00:00:00Z"


async def test_a_second_object_of_the_same_name_is_refused(client: Client) -> None:
    await client.create(WIDGETS, a_widget())

    with pytest.raises(AlreadyExists, match='"one" already exists'):
        await client.create(WIDGETS, a_widget())


async def test_a_generated_name_is_new_each_time(client: Client) -> None:
    body = {"metadata": {"generateName": "x-", "namespace": "ns"}}
    one, two = await client.create(SECRETS, body), await client.create(SECRETS, body)

    assert one.name.startswith("x-")
    assert one.name != two.name


async def test_what_is_missing_or_not_served_is_not_found(api: FakeApi, client: Client) -> None:
    with pytest.raises(NotFound, match='"one" not found'):
        await client.get(WIDGETS, KEY)
    api.withdraw(WIDGETS)
    with pytest.raises(NotFound, match="could not find the requested resource"):
        await client.list(WIDGETS)


async def test_an_update_at_an_old_resource_version_conflicts(client: Client) -> None:
    old = (await client.create(WIDGETS, a_widget())).body()
    await client.patch(WIDGETS, KEY, {"spec": {"size": 2}}, kind="merge")

    with pytest.raises(Conflict, match="has been modified"):
        await client.update(WIDGETS, old)


async def test_generation_follows_the_spec_and_not_the_status(client: Client) -> None:
    await client.create(WIDGETS, a_widget(status={"ignored": True}))
    patched = await client.patch(WIDGETS, KEY, {"spec": {"size": 2}}, kind="merge")
    with_status = await client.patch(
        WIDGETS, KEY, {"status": {"ready": True}, "spec": {"size": 9}}, kind="merge",
        subresource="status",
    )  # fmt: skip

    assert patched.generation == with_status.generation == 2
    assert "status" not in patched.body()
    assert with_status.body()["status"] == {"ready": True}
    assert with_status.body()["spec"] == {"size": 2}


async def test_a_write_that_changes_nothing_keeps_the_resource_version(
    api: FakeApi, client: Client
) -> None:
    applied = await client.apply(WIDGETS, a_widget(), field_manager="m")
    revision = api.revision
    again = await client.apply(WIDGETS, a_widget(), field_manager="m")

    assert again == applied
    assert api.revision == revision


async def test_a_dry_run_stores_nothing(api: FakeApi, client: Client) -> None:
    await client.apply(WIDGETS, a_widget(), field_manager="m", dry_run=True)
    assert api.objects(WIDGETS) == []
    api.put(WIDGETS, a_widget())
    changed = a_widget(spec={"size": 5})
    answer = await client.apply(WIDGETS, changed, field_manager="m", dry_run=True)

    assert answer.body()["spec"] == {"size": 5}
    stored = api.get(WIDGETS, KEY)
    assert stored is not None
    assert stored["spec"] == {"size": 1}


async def test_an_apply_without_force_names_the_disputed_fields(client: Client) -> None:
    await client.apply(WIDGETS, a_widget(), field_manager="a")
    with pytest.raises(Conflict) as raised:
        await client.apply(
            WIDGETS, a_widget(spec={"size": 3}), field_manager="b", force=False
        )  # fmt: skip

    assert [cause.field for cause in raised.value.causes] == [".spec.size"]
    assert raised.value.causes[0].message == 'conflict with "a"'


async def test_a_json_patch_whose_test_fails_is_invalid(client: Client) -> None:
    await client.create(WIDGETS, a_widget())
    operations = [{"op": "test", "path": "/spec/size", "value": 7}]

    with pytest.raises(Invalid):
        await client.patch(WIDGETS, KEY, operations, kind="json")


async def test_deletion_checks_its_preconditions(api: FakeApi, client: Client) -> None:
    created = await client.create(WIDGETS, a_widget())
    with pytest.raises(Conflict, match="UID in the precondition"):
        await client.delete(WIDGETS, KEY, uid="other")
    await client.delete(
        WIDGETS, KEY, uid=created.uid, resource_version=created.resource_version
    )  # fmt: skip

    assert api.get(WIDGETS, KEY) is None


async def test_a_finalizer_holds_an_object_until_it_is_removed(
    api: FakeApi, client: Client
) -> None:
    api.put(WIDGETS, a_widget(metadata={"finalizers": ["example.org/hold"]}, status={"x": 1}))
    await client.delete(WIDGETS, KEY)
    held = await client.get(WIDGETS, KEY)
    assert held.is_deleting
    assert held.generation == 2

    api.change(WIDGETS, KEY, lambda body: body["metadata"].pop("finalizers"))

    assert api.get(WIDGETS, KEY) is None


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
async def test_what_an_object_owns_goes_with_it(api: FakeApi, propagation: str) -> None:
    owner = api.put(WIDGETS, a_widget())
    api.put(SECRETS, a_child(owner))
    api.delete(WIDGETS, KEY, propagation=propagation)

    assert api.objects(SECRETS) == []
    assert api.objects(WIDGETS) == []


async def test_orphans_stay_without_their_owner(api: FakeApi) -> None:
    owner = api.put(WIDGETS, a_widget())
    api.put(SECRETS, a_child(owner))
    api.delete(WIDGETS, KEY, propagation="Orphan")

    assert api.objects(WIDGETS) == []
    assert [child["metadata"]["ownerReferences"] for child in api.objects(SECRETS)] == [[]]


async def test_a_child_of_nobody_does_not_live(api: FakeApi, client: Client) -> None:
    child = a_child({"metadata": {"name": "gone", "uid": "never"}})
    await client.create(SECRETS, child)

    assert api.objects(SECRETS) == []


async def test_a_held_child_keeps_its_owner_in_a_foreground_deletion(api: FakeApi) -> None:
    owner = api.put(WIDGETS, a_widget())
    child = a_child(owner)
    child["metadata"]["finalizers"] = ["example.org/hold"]
    api.put(SECRETS, child)
    api.delete(WIDGETS, KEY, propagation="Foreground")
    assert len(api.objects(WIDGETS)) == 1
    assert "deletionTimestamp" in api.objects(SECRETS)[0]["metadata"]

    api.change(SECRETS, ObjectKey("ns", "child"), lambda b: b["metadata"].pop("finalizers"))

    assert api.objects(SECRETS) == []
    assert api.objects(WIDGETS) == []


async def test_nothing_is_created_in_a_namespace_that_is_missing_or_ending(client: Client) -> None:
    api = FakeApi([NAMESPACES, SECRETS], clock=VirtualClock())
    client = Client(api)
    with pytest.raises(NotFound, match='namespaces "ns" not found'):
        await client.create(SECRETS, a_widget())
    api.put(NAMESPACES, {"metadata": {"name": "ns", "finalizers": ["kubernetes"]}})
    await client.create(SECRETS, a_widget())
    api.delete(NAMESPACES, ObjectKey("", "ns"))

    with pytest.raises(Forbidden) as raised:
        await client.create(SECRETS, a_widget("two"))
    assert raised.value.is_namespace_terminating


async def test_an_admission_may_refuse_a_write(api: FakeApi, client: Client) -> None:
    def refuse(verb: str, resource: Resource, body: dict[str, Any]) -> None:
        message = f'admission webhook "w" denied the request: no {verb} of {resource}'
        raise Forbidden(403, reason="Forbidden", message=message)

    api.admit(refuse)

    with pytest.raises(Forbidden, match="no create of widgets") as raised:
        await client.create(WIDGETS, a_widget())
    assert raised.value.is_admission_denied


async def test_pages_show_one_moment_and_expire_with_the_history(
    api: FakeApi, client: Client
) -> None:
    for number in range(5):
        api.put(SECRETS, a_widget(f"s{number}"))
    seen = []
    async for page in client.pages(SECRETS, limit=2):
        seen.append([item.name for item in page.items])
        api.put(SECRETS, a_widget("late"))
    assert seen == [["s0", "s1"], ["s2", "s3"], ["s4"]]

    pages = client.pages(SECRETS, limit=2)
    await anext(pages)
    api.put(SECRETS, a_widget("later"))
    api.compact()
    with pytest.raises(Gone):
        await anext(pages)


async def test_lists_are_selected_by_labels_fields_and_namespace(
    api: FakeApi, client: Client
) -> None:
    api.put(SECRETS, a_widget("a", metadata={"labels": {"app": "x"}}))
    api.put(SECRETS, a_widget("b", metadata={"labels": {"app": "y"}}))
    api.put(SECRETS, a_widget("c", metadata={"namespace": "other", "labels": {"app": "x"}}))

    async def names(**selection: str) -> list[str]:
        listing = await client.list(SECRETS, **selection)  # type: ignore[arg-type]  # all strings
        return [item.name for item in listing.items]

    assert await names(label_selector="app=x") == ["a", "c"]
    assert await names(label_selector="app=x", namespace="ns") == ["a"]
    assert await names(field_selector="metadata.name=b") == ["b"]
    listing = await client.list(SECRETS, metadata_only=True)
    assert {item.kind for item in listing.items} == {"PartialObjectMetadata"}
    assert "spec" not in listing.items[0].body()


async def test_faults_strike_before_or_after_the_effect(api: FakeApi, client: Client) -> None:
    unavailable = ServiceUnavailable(503, reason="ServiceUnavailable", retry_after=2)
    api.faults.plan(on("POST"), unavailable)
    with pytest.raises(ServiceUnavailable) as raised:
        await client.create(WIDGETS, a_widget())
    assert raised.value.retry_after == 2
    assert api.objects(WIDGETS) == []

    api.faults.plan(on("POST"), TransportError("cut", sent=True), after_effect=True)
    with pytest.raises(TransportError, match="cut"):
        await client.create(WIDGETS, a_widget())
    assert len(api.objects(WIDGETS)) == 1
    assert api.faults.struck == 2


async def test_a_policy_may_strike_any_request_until_it_is_cleared(
    api: FakeApi, client: Client
) -> None:
    api.faults.policy = lambda request: Fault(delay=100.0) if request.method == "GET" else None
    with pytest.raises(RequestTimeout):
        await client.get(WIDGETS, KEY)
    assert asyncio.get_running_loop().time() == 30.0
    api.faults.plan(on("GET"), ServiceUnavailable(503), times=None)
    for _ in range(3):
        with pytest.raises(ServiceUnavailable):
            await client.get(WIDGETS, KEY)
    api.faults.clear()
    with pytest.raises(NotFound):
        await client.get(WIDGETS, KEY)


async def test_discovery_tells_what_is_served(api: FakeApi, client: Client) -> None:
    groups = await client.api_groups()

    assert groups.serves(SECRETS)
    assert groups.find("example.org", "Widget") == WIDGETS
    assert await client.server_version() == "v1.37.2-fake"


async def test_verbs_that_make_no_sense_are_not_allowed(api: FakeApi, client: Client) -> None:
    api.put(WIDGETS, a_widget())
    with pytest.raises(MethodNotAllowed):
        await client._call(Request("PUT", WIDGETS.path("ns")))
    with pytest.raises(NotFound):
        await client.patch(WIDGETS, KEY, {}, kind="merge", subresource="scale")


async def test_writes_are_counted_without_reads_and_leases(api: FakeApi, client: Client) -> None:
    await client.create(WIDGETS, a_widget())
    await client.get(WIDGETS, KEY)

    assert [request.method for request in api.writes()] == ["POST"]


def a_child(owner: dict[str, Any]) -> dict[str, Any]:
    reference = {
        "apiVersion": "example.org/v1",
        "kind": "Widget",
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {"metadata": {"name": "child", "namespace": "ns", "ownerReferences": [reference]}}
