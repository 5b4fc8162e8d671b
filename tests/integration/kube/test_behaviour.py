"""What the API server promises, on the real one and on the fake one."""

import asyncio
from typing import Any

import pytest

from registry_operator.kube.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
)
from registry_operator.kube.exchange import Request
from registry_operator.kube.object import newer
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.kube.watch import Added, Bookmark, Deleted, Modified, WatchEvent
from tests.integration.kube.conftest import CONFIG_MAPS, DEPLOYMENTS, LEASES, NAMESPACES, Api

pytestmark = pytest.mark.integration


def a_config_map(api: Api, name: str = "one", **data: str) -> dict[str, Any]:
    labels = {"app": data.pop("app", "x")}
    metadata = {"name": name, "namespace": api.namespace, "labels": labels}
    return {"metadata": metadata, "data": data}


def a_deployment(api: Api, *, replicas: int = 1, image: str = "a:1") -> dict[str, Any]:
    labels = {"app": "x"}
    container = {"name": "main", "image": image, "ports": [{"containerPort": 5000}]}
    return {
        "metadata": {"name": "one", "namespace": api.namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def the(api: Api, name: str = "one") -> ObjectKey:
    return ObjectKey(api.namespace, name)


async def test_create_get_and_delete(api: Api) -> None:
    created = await api.client.create(CONFIG_MAPS, a_config_map(api, key="value"))
    with pytest.raises(AlreadyExists):
        await api.client.create(CONFIG_MAPS, a_config_map(api))
    found = await api.client.get(CONFIG_MAPS, the(api))
    assert (found.uid, found.kind, found.body()["data"]) == (
        created.uid,
        "ConfigMap",
        {"key": "value"},
    )

    for wrong in ({"uid": "other"}, {"resource_version": "1"}):
        with pytest.raises(Conflict):
            await api.client.delete(CONFIG_MAPS, the(api), **wrong)  # type: ignore[arg-type]  # one of two
    await api.client.delete(
        CONFIG_MAPS, the(api), uid=found.uid, resource_version=found.resource_version
    )
    with pytest.raises(NotFound):
        await api.client.get(CONFIG_MAPS, the(api))
    with pytest.raises(NotFound):
        await api.client.delete(CONFIG_MAPS, the(api))


async def test_what_is_not_served_is_not_found(api: Api) -> None:
    widgets = Resource("example.org", "v1", "Widget", "widgets")
    with pytest.raises(NotFound):
        await api.client.list(widgets)
    with pytest.raises(NotFound):
        async with api.client.watch(widgets):
            raise AssertionError("it opened")
    groups = await api.client.api_groups()

    assert not groups.serves(widgets)
    assert groups.serves(DEPLOYMENTS)
    assert groups.serves(NAMESPACES)
    assert (await api.client.server_version()).startswith("v1.")


async def test_an_apply_that_changes_nothing_writes_nothing(api: Api) -> None:
    first = await api.client.apply(DEPLOYMENTS, a_deployment(api), field_manager="us")
    again = await api.client.apply(DEPLOYMENTS, a_deployment(api), field_manager="us")

    assert again.resource_version == first.resource_version
    assert again.generation == first.generation == 1


async def test_an_apply_drops_what_is_no_longer_wanted(api: Api) -> None:
    await api.client.apply(CONFIG_MAPS, a_config_map(api, a="1", b="1"), field_manager="us")
    theirs = {"metadata": a_config_map(api)["metadata"], "data": {"b": "1", "c": "1"}}
    await api.client.apply(CONFIG_MAPS, theirs, field_manager="them")
    after = await api.client.apply(CONFIG_MAPS, a_config_map(api, d="1"), field_manager="us")

    assert after.body()["data"] == {"b": "1", "c": "1", "d": "1"}


async def test_two_managers_conflict_unless_forced(api: Api) -> None:
    await api.client.apply(CONFIG_MAPS, a_config_map(api, a="1"), field_manager="them")
    ours = a_config_map(api, a="2")
    with pytest.raises(Conflict) as raised:
        await api.client.apply(CONFIG_MAPS, ours, field_manager="us", force=False)
    assert [cause.field for cause in raised.value.causes] == [".data.a"]
    assert raised.value.causes[0].reason == "FieldManagerConflict"

    await api.client.apply(CONFIG_MAPS, ours, field_manager="us")
    theirs = a_config_map(api, b="1")
    after = await api.client.apply(CONFIG_MAPS, theirs, field_manager="them")
    assert after.body()["data"] == {"a": "2", "b": "1"}


async def test_an_applied_field_that_drifted_is_set_right(api: Api) -> None:
    await api.client.apply(DEPLOYMENTS, a_deployment(api), field_manager="us")
    drift = {"spec": {"replicas": 5}}
    drifted = await api.client.patch(DEPLOYMENTS, the(api), drift, kind="merge")
    after = await api.client.apply(DEPLOYMENTS, a_deployment(api), field_manager="us")

    assert (drifted.body()["spec"]["replicas"], after.body()["spec"]["replicas"]) == (5, 1)
    assert (drifted.generation, after.generation) == (2, 3)


async def test_a_foreign_container_stays_beside_ours(api: Api) -> None:
    await api.client.apply(DEPLOYMENTS, a_deployment(api), field_manager="us")
    sidecar = {"name": "sidecar", "image": "s:1"}
    theirs = {
        "metadata": a_deployment(api)["metadata"],
        "spec": {"template": {"spec": {"containers": [sidecar]}}},
    }
    await api.client.apply(DEPLOYMENTS, theirs, field_manager="them")
    after = await api.client.apply(DEPLOYMENTS, a_deployment(api, image="a:2"), field_manager="us")
    containers = after.body()["spec"]["template"]["spec"]["containers"]

    assert [(c["name"], c["image"]) for c in containers] == [("main", "a:2"), ("sidecar", "s:1")]


async def test_status_is_a_world_of_its_own(api: Api) -> None:
    body = a_deployment(api)
    created = await api.client.create(DEPLOYMENTS, body | {"status": {"replicas": 9}})
    assert created.body().get("status", {}).get("replicas") is None
    patch = {"status": {"replicas": 3}, "spec": {"replicas": 7}}
    after = await api.client.patch(DEPLOYMENTS, the(api), patch, kind="merge", subresource="status")
    assert after.body()["status"]["replicas"] == 3
    assert after.body()["spec"]["replicas"] == 1
    assert after.generation == created.generation

    identity = {"metadata": {"name": "one", "namespace": api.namespace}}
    applied = await api.client.apply(
        DEPLOYMENTS,
        identity | {"status": {"readyReplicas": 1, "replicas": 3}},
        field_manager="us",
        subresource="status",
    )
    assert applied.body()["status"]["readyReplicas"] == 1


async def test_a_dry_run_writes_nothing(api: Api) -> None:
    await api.client.apply(CONFIG_MAPS, a_config_map(api), field_manager="us", dry_run=True)
    with pytest.raises(NotFound):
        await api.client.get(CONFIG_MAPS, the(api))


async def test_an_old_resource_version_conflicts(api: Api) -> None:
    metadata = {"name": "one", "namespace": api.namespace}
    lease = await api.client.create(LEASES, {"metadata": metadata, "spec": {}})
    body = lease.body()
    body["spec"]["holderIdentity"] = "a"
    updated = await api.client.update(LEASES, body)
    assert newer(updated.resource_version, lease.resource_version)

    body["spec"]["holderIdentity"] = "b"
    with pytest.raises(Conflict):
        await api.client.update(LEASES, body)


async def test_an_apply_that_names_a_uid_makes_nothing_anew(api: Api) -> None:
    known = await api.client.create(CONFIG_MAPS, a_config_map(api, key="value"))
    intent = a_config_map(api, key="mine")
    intent["metadata"]["uid"] = known.uid
    changed = await api.client.apply(CONFIG_MAPS, intent, field_manager="a")
    assert changed.uid == known.uid

    await api.client.delete(CONFIG_MAPS, the(api))
    with pytest.raises(Conflict):
        await api.client.apply(CONFIG_MAPS, intent, field_manager="a")
    await api.client.create(CONFIG_MAPS, a_config_map(api, key="another"))
    with pytest.raises(Invalid):
        await api.client.apply(CONFIG_MAPS, intent, field_manager="a")


async def test_an_apply_at_a_version_before_anything_makes_and_never_changes(api: Api) -> None:
    """Whether fields are disputed or not: what the first write of a child rests upon."""
    wanted = a_config_map(api, key="ours")
    wanted["metadata"]["resourceVersion"] = "1"
    contents: list[dict[str, str]] = [{"key": "theirs"}, {"key": "ours"}, {"other": "theirs"}, {}]
    for content in contents:
        theirs = await api.client.create(CONFIG_MAPS, a_config_map(api, **content))
        with pytest.raises(Conflict):
            await api.client.apply(CONFIG_MAPS, wanted, field_manager="us", force=False)
        assert await api.client.get(CONFIG_MAPS, the(api)) == theirs
        await api.client.delete(CONFIG_MAPS, the(api))

    made = await api.client.apply(CONFIG_MAPS, wanted, field_manager="us", force=False)
    assert made.body()["data"] == {"key": "ours"}
    assert made.resource_version != "1"


async def test_one_object_can_be_listed_by_its_name(api: Api) -> None:
    made = await api.client.create(CONFIG_MAPS, a_config_map(api, key="value"))
    await api.client.create(CONFIG_MAPS, a_config_map(api, name="two"))
    listing = await api.client.list(
        CONFIG_MAPS,
        namespace=api.namespace,
        field_selector="metadata.name=one",
        metadata_only=True,
    )

    assert [one.uid for one in listing.items] == [made.uid]


async def test_a_json_patch_tests_before_it_acts(api: Api) -> None:
    await api.client.create(CONFIG_MAPS, a_config_map(api, a="1"))
    good = [
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "replace", "path": "/data/a", "value": "2"},
    ]
    after = await api.client.patch(CONFIG_MAPS, the(api), good, kind="json")
    assert after.body()["data"] == {"a": "2"}

    with pytest.raises(Invalid):
        await api.client.patch(CONFIG_MAPS, the(api), good, kind="json")


async def test_a_finalizer_holds_an_object(api: Api) -> None:
    body = a_config_map(api)
    body["metadata"]["finalizers"] = ["example.org/hold"]
    await api.client.create(CONFIG_MAPS, body)
    await api.client.delete(CONFIG_MAPS, the(api))
    held = await api.client.get(CONFIG_MAPS, the(api))
    assert held.is_deleting

    patch = {"metadata": {"finalizers": None}}
    await api.client.patch(CONFIG_MAPS, the(api), patch, kind="merge")
    with pytest.raises(NotFound):
        await api.client.get(CONFIG_MAPS, the(api))


async def test_pages_tell_one_moment(api: Api) -> None:
    for number in range(5):
        await api.client.create(CONFIG_MAPS, a_config_map(api, f"c{number}"))
    pages = []
    async for page in api.client.pages(CONFIG_MAPS, namespace=api.namespace, limit=2):
        pages.append(page)
        if len(pages) == 1:
            await api.client.create(CONFIG_MAPS, a_config_map(api, "late"))

    assert [[item.name for item in page.items] for page in pages] == [
        ["c0", "c1"],
        ["c2", "c3"],
        ["c4"],
    ]
    assert [page.remaining for page in pages] == [3, 1, None]
    assert len({page.resource_version for page in pages}) == 1
    assert {item.kind for page in pages for item in page.items} == {"ConfigMap"}


async def test_a_continue_token_that_means_nothing_is_refused(api: Api) -> None:
    path = CONFIG_MAPS.path(api.namespace)
    response = await api.transport.send(Request("GET", path, query=(("continue", "nonsense"),)))

    assert response.status == 400


async def test_metadata_comes_without_content(api: Api) -> None:
    await api.client.create(CONFIG_MAPS, a_config_map(api, password="hunter2"))
    one = await api.client.get(CONFIG_MAPS, the(api), metadata_only=True)
    listing = await api.client.list(CONFIG_MAPS, namespace=api.namespace, metadata_only=True)

    assert one.kind == "PartialObjectMetadata"
    assert b"hunter2" not in one.raw + listing.items[0].raw
    assert (one.labels, listing.items[0].labels) == ({"app": "x"}, {"app": "x"})


def told(events: list[WatchEvent]) -> list[str]:
    return [
        f"{type(event).__name__} {event.object.name}"
        for event in events
        if isinstance(event, Added | Modified | Deleted)
    ]


async def test_a_watch_tells_what_its_selector_sees(api: Api) -> None:
    listing = await api.client.list(CONFIG_MAPS, namespace=api.namespace)
    for app in ("other", "x", "x"):
        body = a_config_map(api, app=app, stamp=str(asyncio.get_running_loop().time()))
        await api.client.apply(CONFIG_MAPS, body, field_manager="us")
    last = await api.client.apply(CONFIG_MAPS, a_config_map(api, app="gone"), field_manager="us")

    async with api.client.watch(
        CONFIG_MAPS,
        namespace=api.namespace,
        label_selector="app=x",
        resource_version=listing.resource_version,
        timeout_seconds=1,
    ) as events:
        seen = [event async for event in events]

    assert told(seen) == ["Added one", "Modified one", "Deleted one"]
    gone = [event for event in seen if isinstance(event, Deleted)]
    assert gone[0].object.resource_version == last.resource_version
    assert gone[0].object.labels == {"app": "x"}


async def test_a_deletion_is_told_with_its_own_version(api: Api) -> None:
    created = await api.client.create(CONFIG_MAPS, a_config_map(api))
    async with api.client.watch(
        CONFIG_MAPS,
        namespace=api.namespace,
        resource_version=created.resource_version,
        timeout_seconds=5,
    ) as events:
        await api.client.delete(CONFIG_MAPS, the(api))
        event = await anext(events)

    assert isinstance(event, Deleted)
    assert newer(event.object.resource_version, created.resource_version)


async def test_a_watch_list_begins_with_what_is_there(api: Api) -> None:
    for name in ("a", "b"):
        await api.client.create(CONFIG_MAPS, a_config_map(api, name))
    async with api.client.watch(
        CONFIG_MAPS, namespace=api.namespace, send_initial_events=True, timeout_seconds=5
    ) as events:
        seen = [await anext(events) for _ in range(3)]

    assert sorted(told(seen)) == ["Added a", "Added b"]
    assert isinstance(seen[2], Bookmark)
    assert seen[2].initial_events_end


async def test_nothing_is_created_where_there_is_no_namespace(api: Api) -> None:
    body = a_config_map(api)
    body["metadata"]["namespace"] = "nowhere"
    with pytest.raises(NotFound):
        await api.client.create(CONFIG_MAPS, body)


async def test_an_ending_namespace_takes_nothing_new(api: Api) -> None:
    namespace = ObjectKey("", f"{api.namespace}-ending")
    metadata = {"name": namespace.name, "finalizers": ["example.org/hold"]}
    await api.client.create(NAMESPACES, {"metadata": metadata})
    await api.client.delete(NAMESPACES, namespace)
    body = a_config_map(api)
    body["metadata"]["namespace"] = namespace.name

    with pytest.raises(Forbidden) as raised:
        await api.client.create(CONFIG_MAPS, body)
    assert raised.value.is_namespace_terminating
    patch = {"metadata": {"finalizers": None}}
    await api.client.patch(NAMESPACES, namespace, patch, kind="merge")
