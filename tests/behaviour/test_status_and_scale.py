"""Subresources: the status, and the scale."""

import orjson
import pytest

from registry_operator.kube.errors import Conflict, Invalid, NotFound
from registry_operator.kube.resource import Resource
from tests.behaviour.bodies import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    GADGETS,
    WIDGETS,
    a_config_map,
    a_deployment,
    a_widget,
)
from tests.behaviour.server import Body, Server, managers


async def test_a_creation_says_nothing_of_the_status(server: Server) -> None:
    body = a_widget(server) | {"status": {"phase": "x"}}
    created = await server.client.create(WIDGETS, body)
    patch = {"status": {"phase": "y"}}
    patched = await server.client.patch(WIDGETS, server.key(), patch, kind="merge")

    assert "status" not in created.body()
    assert "status" not in patched.body()
    assert patched.resource_version == created.resource_version


async def test_a_write_of_the_status_changes_nothing_else(server: Server) -> None:
    created = await server.client.create(WIDGETS, a_widget(server))
    patch = {
        "status": {"phase": "x"},
        "spec": {"size": 9},
        "metadata": {"labels": {"a": "b"}, "finalizers": ["example.org/f"]},
    }
    after = await server.client.patch(
        WIDGETS, server.key(), patch, kind="merge", subresource="status"
    )

    assert after.body()["status"] == {"phase": "x"}
    assert after.body()["spec"] == created.body()["spec"]
    assert (after.labels, after.metadata.finalizers) == ({}, ())
    assert after.generation == created.generation


async def test_a_write_of_the_rest_keeps_the_status(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server))
    status = {"status": {"phase": "x"}}
    await server.client.patch(WIDGETS, server.key(), status, kind="merge", subresource="status")
    body = await server.body(WIDGETS)
    del body["status"]
    body["spec"]["size"] = 2
    after = await server.client.update(WIDGETS, body)

    assert after.body()["status"] == {"phase": "x"}
    assert after.generation == 2


async def test_the_status_is_applied_and_owned_of_its_own(server: Server) -> None:
    await server.client.apply(WIDGETS, a_widget(server), field_manager="us")
    status = {"phase": "x", "conditions": [{"type": "A", "status": "True"}]}
    after = await server.client.apply(
        WIDGETS,
        {"metadata": server.metadata(), "status": status},
        field_manager="us",
        subresource="status",
    )
    entries = after.body()["metadata"]["managedFields"]

    assert after.body()["status"] == status
    assert [entry.get("subresource") for entry in entries] == [None, "status"]
    assert entries[1]["fieldsV1"] == {
        "f:status": {
            "f:phase": {},
            "f:conditions": {'k:{"type":"A"}': {".": {}, "f:type": {}, "f:status": {}}},
        }
    }


async def test_what_is_no_longer_applied_to_the_status_goes(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server))

    async def apply(*types: str) -> Body:
        conditions = [{"type": type_, "status": "True"} for type_ in types]
        applied = await server.client.apply(
            WIDGETS,
            {"metadata": server.metadata(), "status": {"conditions": conditions}},
            field_manager="us",
            subresource="status",
        )
        status: Body = applied.body()["status"]
        return status

    await apply("A", "B")
    assert [one["type"] for one in (await apply("B"))["conditions"]] == ["B"]


async def test_the_status_of_a_deployment_takes_annotations_along_but_no_labels(
    server: Server,
) -> None:
    created = await server.client.create(DEPLOYMENTS, a_deployment(server))
    patch = {
        "status": {"replicas": 3},
        "spec": {"replicas": 9},
        "metadata": {"annotations": {"a": "b"}, "labels": {"c": "d"}},
    }
    after = await server.client.patch(
        DEPLOYMENTS, server.key(), patch, kind="merge", subresource="status"
    )

    assert created.body()["status"] == {}
    assert after.body()["status"]["replicas"] == 3
    assert after.body()["spec"]["replicas"] == 1
    assert (after.annotations, after.labels) == ({"a": "b"}, {})


@pytest.mark.parametrize(
    ("resource", "subresource"),
    [(CONFIG_MAPS, "status"), (GADGETS, "status"), (GADGETS, "scale"), (WIDGETS, "foo")],
)
async def test_a_subresource_that_a_kind_does_not_have_is_not_found(
    server: Server, resource: Resource, subresource: str
) -> None:
    body = a_config_map(server) if resource == CONFIG_MAPS else a_widget(server)
    await server.client.create(resource, body)
    with pytest.raises(NotFound):
        await server.client.patch(resource, server.key(), {}, kind="merge", subresource=subresource)


async def scale(server: Server, resource: Resource) -> tuple[int, Body]:
    return await server.ask("GET", resource.path(server.namespace, "one", "scale"))


async def test_the_scale_of_a_deployment_is_read_and_set(server: Server) -> None:
    created = await server.client.create(DEPLOYMENTS, a_deployment(server))
    status, before = await scale(server, DEPLOYMENTS)
    patch = {"spec": {"replicas": 3}}
    after = await server.client.patch(
        DEPLOYMENTS,
        server.key(),
        patch,
        kind="merge",
        subresource="scale",
        field_manager="autoscaler",
    )
    deployment = await server.client.get(DEPLOYMENTS, server.key())

    assert status == 200
    assert (before["kind"], before["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert before["spec"] == {"replicas": 1}
    assert before["status"] == {"replicas": 0, "selector": "app=x"}
    assert before["metadata"]["uid"] == created.uid
    assert (after.kind, after.body()["spec"]) == ("Scale", {"replicas": 3})
    assert deployment.body()["spec"]["replicas"] == 3
    assert deployment.generation == 2
    assert managers(deployment)["autoscaler"] == {"f:spec": {"f:replicas": {}}}


async def test_the_scale_of_a_widget_stands_where_its_definition_says(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server, replicas=2))
    reported = {"status": {"replicas": 1, "selector": "app=x"}}
    await server.client.patch(WIDGETS, server.key(), reported, kind="merge", subresource="status")
    _, before = await scale(server, WIDGETS)
    response = await server.send(
        "PUT",
        WIDGETS.path(server.namespace, "one", "scale"),
        body={**before, "spec": {"replicas": 5}},
        content_type="application/json",
    )

    assert (before["spec"], before["status"]) == (
        {"replicas": 2},
        {"replicas": 1, "selector": "app=x"},
    )
    assert response.status == 200
    assert orjson.loads(response.body)["spec"] == {"replicas": 5}
    widget = await server.client.get(WIDGETS, server.key())
    assert (widget.body()["spec"]["replicas"], widget.generation) == (5, 2)


async def test_a_scale_at_an_old_version_conflicts(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server, replicas=2))
    patch = {"spec": {"replicas": 3}, "metadata": {"resourceVersion": "1"}}
    with pytest.raises(Conflict):
        await server.client.patch(WIDGETS, server.key(), patch, kind="merge", subresource="scale")


async def test_fewer_than_none_is_no_scale(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server, replicas=2))
    with pytest.raises(Invalid):
        await server.client.patch(
            WIDGETS, server.key(), {"spec": {"replicas": -1}}, kind="merge", subresource="scale"
        )


async def test_what_nobody_scaled_yet_has_no_scale_but_can_be_given_one(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server))
    status, _ = await scale(server, WIDGETS)
    assert status == 500
    after = await server.client.patch(
        WIDGETS, server.key(), {"spec": {"replicas": 4}}, kind="merge", subresource="scale"
    )

    assert after.body()["spec"] == {"replicas": 4}
