"""Objects come, change and go: identity, versions, preconditions."""

from typing import Any

import pytest

from registry_operator.kube.errors import (
    AlreadyExists,
    ApiError,
    BadRequest,
    Conflict,
    Invalid,
    NotFound,
)
from registry_operator.kube.object import newer
from registry_operator.kube.resource import ObjectKey, Resource
from tests.behaviour.bodies import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    LEASES,
    NAMESPACES,
    WIDGETS,
    a_config_map,
    a_widget,
)
from tests.behaviour.server import Server


async def test_a_created_object_can_be_read_and_created_but_once(server: Server) -> None:
    created = await server.client.create(CONFIG_MAPS, a_config_map(server, key="value"))
    with pytest.raises(AlreadyExists, match='configmaps "one" already exists') as raised:
        await server.client.create(CONFIG_MAPS, a_config_map(server))
    found = await server.client.get(CONFIG_MAPS, server.key())

    assert raised.value.details == {"name": "one", "kind": "configmaps"}
    assert (found.uid, found.kind, found.api_version) == (created.uid, "ConfigMap", "v1")
    assert found.body()["data"] == {"key": "value"}
    assert found.resource_version == created.resource_version


async def test_what_is_missing_is_not_found(server: Server) -> None:
    with pytest.raises(NotFound, match='"one" not found') as raised:
        await server.client.get(WIDGETS, server.key())
    assert raised.value.details == {"name": "one", "group": WIDGETS.group, "kind": "widgets"}
    with pytest.raises(NotFound):
        await server.client.delete(WIDGETS, server.key())
    with pytest.raises(NotFound):
        await server.client.patch(WIDGETS, server.key(), {}, kind="merge")


async def test_what_is_not_served_is_not_found(server: Server) -> None:
    gizmos = Resource("example.org", "v1", "Gizmo", "gizmos")
    with pytest.raises(NotFound):
        await server.client.list(gizmos)
    with pytest.raises(NotFound):
        async with server.client.watch(gizmos):
            raise AssertionError("it opened")
    groups = await server.client.api_groups()

    assert not groups.serves(gizmos)
    assert all(groups.serves(resource) for resource in (DEPLOYMENTS, NAMESPACES, WIDGETS))
    assert (await server.client.server_version()).startswith("v1.")


async def test_a_generated_name_is_new_each_time(server: Server) -> None:
    body = {"metadata": {"generateName": "x-", "namespace": server.namespace}}
    one, two = [await server.client.create(CONFIG_MAPS, body) for _ in range(2)]

    assert one.name.startswith("x-")
    assert one.name != two.name


async def test_identity_is_the_servers_to_give(server: Server) -> None:
    body = a_widget(server)
    body["metadata"] |= {
        "uid": "mine",
        "generation": 7,
        "creationTimestamp": "2020-01-01T00:00:00Z",
        "deletionTimestamp": "2020-01-01T00:00:00Z",
    }
    created = await server.client.create(WIDGETS, body)

    assert created.uid != "mine"
    assert created.generation == 1
    assert not created.is_deleting
    assert created.metadata.creation_timestamp is not None
    assert created.metadata.creation_timestamp.year > 2020


async def test_what_has_a_version_cannot_be_created(server: Server) -> None:
    body = a_config_map(server)
    body["metadata"]["resourceVersion"] = "5"
    with pytest.raises(ApiError, match="should not be set on objects to be created"):
        await server.client.create(CONFIG_MAPS, body)


@pytest.mark.parametrize("name", ["Upper", "a_b", "-a", "a.", "a" * 254])
async def test_a_name_is_a_dns_subdomain(server: Server, name: str) -> None:
    with pytest.raises(Invalid) as raised:
        await server.client.create(WIDGETS, a_widget(server, name))

    assert {cause.field for cause in raised.value.causes} == {"metadata.name"}


async def test_a_name_is_required(server: Server) -> None:
    with pytest.raises(Invalid, match="name or generateName is required"):
        await server.client.create(WIDGETS, {"metadata": server.metadata(""), "spec": {"size": 1}})


async def test_body_and_path_must_agree(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server))
    patch = {"metadata": {"name": "other"}}
    with pytest.raises(BadRequest, match=r"name of the object \(other\) does not match"):
        await server.client.patch(WIDGETS, server.key(), patch, kind="merge")
    response = await server.send(
        "POST",
        WIDGETS.path(server.namespace),
        body={
            "apiVersion": WIDGETS.api_version,
            "kind": WIDGETS.kind,
            "metadata": {"name": "two", "namespace": "elsewhere"},
        },
        content_type="application/json",
    )

    assert response.status == 400


async def test_a_write_moves_the_version_and_a_write_of_the_same_does_not(server: Server) -> None:
    first = await server.client.create(CONFIG_MAPS, a_config_map(server, a="1"))
    patch = {"data": {"a": "2"}}
    second = await server.client.patch(CONFIG_MAPS, server.key(), patch, kind="merge")
    third = await server.client.patch(CONFIG_MAPS, server.key(), patch, kind="merge")

    assert newer(second.resource_version, first.resource_version)
    assert third.resource_version == second.resource_version


async def test_versions_of_all_kinds_come_from_one_row(server: Server) -> None:
    one = await server.client.create(CONFIG_MAPS, a_config_map(server))
    two = await server.client.create(WIDGETS, a_widget(server))

    assert newer(two.resource_version, one.resource_version)


async def test_an_update_at_an_old_version_conflicts(server: Server) -> None:
    lease = await server.client.create(LEASES, {"metadata": server.metadata(), "spec": {}})
    body = lease.body()
    body["spec"]["holderIdentity"] = "a"
    updated = await server.client.update(LEASES, body)
    assert newer(updated.resource_version, lease.resource_version)

    body["spec"]["holderIdentity"] = "b"
    with pytest.raises(Conflict, match="the object has been modified") as raised:
        await server.client.update(LEASES, body)
    assert raised.value.details["name"] == "one"


@pytest.mark.parametrize("resource", [LEASES, WIDGETS])
async def test_some_kinds_are_updated_at_a_version_only(server: Server, resource: Resource) -> None:
    body = a_widget(server) if resource == WIDGETS else {"metadata": server.metadata()}
    await server.client.create(resource, body)

    with pytest.raises(Invalid, match="must be specified for an update"):
        await server.client.update(resource, body)


async def test_other_kinds_are_replaced_whatever_their_version(server: Server) -> None:
    await server.client.create(CONFIG_MAPS, a_config_map(server, a="1", b="1"))
    updated = await server.client.update(CONFIG_MAPS, a_config_map(server, a="2"))

    assert updated.body()["data"] == {"a": "2"}


async def test_a_patch_at_an_old_version_conflicts(server: Server) -> None:
    await server.client.create(CONFIG_MAPS, a_config_map(server, a="1"))
    patch = {"metadata": {"resourceVersion": "1"}, "data": {"a": "2"}}

    with pytest.raises(Conflict):
        await server.client.patch(CONFIG_MAPS, server.key(), patch, kind="merge")


@pytest.mark.parametrize("resource", [CONFIG_MAPS, WIDGETS])
async def test_a_patch_of_another_object_of_the_name_is_refused(
    server: Server, resource: Resource
) -> None:
    body = a_widget(server) if resource == WIDGETS else a_config_map(server)
    await server.client.create(resource, body)

    patch = {"metadata": {"uid": "other", "labels": {"a": "b"}}}
    with pytest.raises((Conflict, Invalid)):
        await server.client.patch(resource, server.key(), patch, kind="merge")


async def test_a_merge_patch_removes_by_null_and_replaces_lists(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server, list=["a", "b"], words={"a": "1"}))
    patch = {"spec": {"list": ["c"], "words": {"a": None, "b": "2"}}}
    after = await server.client.patch(WIDGETS, server.key(), patch, kind="merge")

    assert after.body()["spec"]["list"] == ["c"]
    assert after.body()["spec"]["words"] == {"b": "2"}


async def test_a_json_patch_tests_before_it_acts(server: Server) -> None:
    await server.client.create(CONFIG_MAPS, a_config_map(server, a="1"))
    good = [
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "replace", "path": "/data/a", "value": "2"},
    ]
    after = await server.client.patch(CONFIG_MAPS, server.key(), good, kind="json")
    assert after.body()["data"] == {"a": "2"}

    with pytest.raises(Invalid):
        await server.client.patch(CONFIG_MAPS, server.key(), good, kind="json")


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/spec/nothing"},
        {"op": "replace", "path": "/spec/list/1", "value": "a"},
        {"op": "add", "path": "/nothing/here", "value": 1},
    ],
)
async def test_a_json_patch_that_fits_nothing_is_invalid(
    server: Server, operation: dict[str, Any]
) -> None:
    await server.client.create(WIDGETS, a_widget(server))
    with pytest.raises(Invalid):
        await server.client.patch(WIDGETS, server.key(), [operation], kind="json")


async def test_a_json_patch_that_replaces_nothing_adds(server: Server) -> None:
    await server.client.create(CONFIG_MAPS, a_config_map(server, a="1"))
    operation = {"op": "replace", "path": "/data/b", "value": "2"}
    after = await server.client.patch(CONFIG_MAPS, server.key(), [operation], kind="json")

    assert after.body()["data"] == {"a": "1", "b": "2"}


async def test_a_patch_in_no_known_format_is_refused(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server))
    path = WIDGETS.path(server.namespace, "one")
    response = await server.send("PATCH", path, body={}, content_type="application/json")

    assert response.status == 415


@pytest.mark.parametrize("wrong", [{"uid": "other"}, {"resource_version": "1"}])
async def test_a_deletion_of_something_else_is_refused(
    server: Server, wrong: dict[str, Any]
) -> None:
    await server.client.create(WIDGETS, a_widget(server))
    with pytest.raises(Conflict, match="in the precondition") as raised:
        await server.client.delete(WIDGETS, server.key(), **wrong)

    assert raised.value.details["name"] == "one"
    assert await server.exists(WIDGETS, server.key())


async def test_a_deletion_of_just_this_object_takes_it_away(server: Server) -> None:
    found = await server.client.create(WIDGETS, a_widget(server))
    await server.client.delete(
        WIDGETS, server.key(), uid=found.uid, resource_version=found.resource_version
    )

    assert not await server.exists(WIDGETS, server.key())
    anew = await server.client.create(WIDGETS, a_widget(server))
    assert anew.uid != found.uid


async def test_a_dry_run_writes_nothing(server: Server) -> None:
    intent = a_widget(server)
    answer = await server.client.apply(WIDGETS, intent, field_manager="us", dry_run=True)
    assert answer.body()["spec"]["colour"] == "red"
    assert not await server.exists(WIDGETS, server.key())

    created = await server.client.create(WIDGETS, intent)
    changed = a_widget(server, size=2)
    await server.client.apply(WIDGETS, changed, field_manager="us", dry_run=True)
    found = await server.client.get(WIDGETS, server.key())
    assert found.resource_version == created.resource_version


async def test_metadata_comes_without_content(server: Server) -> None:
    await server.client.create(CONFIG_MAPS, a_config_map(server, password="hunter2"))
    one = await server.client.get(CONFIG_MAPS, server.key(), metadata_only=True)

    assert one.kind == "PartialObjectMetadata"
    assert b"hunter2" not in one.raw
    assert one.labels == {"app": "x"}


async def test_a_version_that_does_not_exist_yet_is_waited_for_in_vain(server: Server) -> None:
    await server.client.create(CONFIG_MAPS, a_config_map(server))
    with pytest.raises(ApiError) as raised:
        await server.client.get(CONFIG_MAPS, server.key(), resource_version="1000000000")

    assert raised.value.is_resource_version_too_large
    assert raised.value.retry_after == 1
    assert (raised.value.status, raised.value.reason) == (504, "Timeout")


async def test_cluster_scoped_objects_have_no_namespace(server: Server) -> None:
    found = await server.client.get(NAMESPACES, ObjectKey("", server.namespace))

    assert found.namespace == ""
    assert found.labels["kubernetes.io/metadata.name"] == server.namespace
    assert found.body()["status"] == {"phase": "Active"}
    assert found.body()["spec"] == {"finalizers": ["kubernetes"]}
