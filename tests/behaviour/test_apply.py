"""Server-side apply: who owns which field, and what that means for the others."""

from typing import Any

import pytest

from registry_operator.kube.errors import ApiError, BadRequest, Conflict, Invalid, NotFound
from registry_operator.kube.object import Object
from registry_operator.kube.resource import Resource
from tests.behaviour.bodies import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    SERVICES,
    WIDGETS,
    a_config_map,
    a_container,
    a_deployment,
    a_service,
    a_widget,
)
from tests.behaviour.server import Body, Server, managers


async def apply(server: Server, manager: str = "us", **spec: Any) -> Object:
    """Apply a Widget without conflicts."""
    return await server.client.apply(
        WIDGETS, a_widget(server, **spec), field_manager=manager, force=False
    )


async def apply_forced(server: Server, manager: str = "us", **spec: Any) -> Object:
    return await server.client.apply(WIDGETS, a_widget(server, **spec), field_manager=manager)


def spec_of(found: Object) -> Body:
    spec: Body = found.body()["spec"]
    return spec


async def test_an_apply_creates_what_is_missing_and_changes_nothing_twice(server: Server) -> None:
    first = await server.client.apply(DEPLOYMENTS, a_deployment(server), field_manager="us")
    again = await server.client.apply(DEPLOYMENTS, a_deployment(server), field_manager="us")

    assert again.body() == first.body()
    assert again.generation == 1


async def test_a_manager_owns_what_it_names_and_no_default(server: Server) -> None:
    found = await apply(
        server,
        size=2,
        nested={"deep": {}},
        free={"p": {"q": [1]}},
        words={"k": "v"},
        selector={"q": "r"},
        tags=["x"],
        parts=[{"name": "a", "note": "n"}],
        list=["l"],
        metadata={"labels": {"l": "m"}, "finalizers": ["example.org/f"]},
    )

    assert managers(found)["us"] == {
        "f:metadata": {
            "f:finalizers": {'v:"example.org/f"': {}},
            "f:labels": {"f:l": {}},
        },
        "f:spec": {
            "f:size": {},
            "f:nested": {"f:deep": {}},
            "f:free": {"f:p": {".": {}, "f:q": {}}},
            "f:words": {"f:k": {}},
            "f:selector": {},
            "f:tags": {'v:"x"': {}},
            "f:parts": {'k:{"name":"a"}': {".": {}, "f:name": {}, "f:note": {}}},
            "f:list": {},
        },
    }
    assert spec_of(found)["colour"] == "red"
    (entry,) = found.body()["metadata"]["managedFields"]
    assert (entry["operation"], entry["apiVersion"]) == ("Apply", WIDGETS.api_version)
    assert (entry["fieldsType"], "subresource" in entry) == ("FieldsV1", False)


async def test_fields_of_a_deployment_are_owned_by_the_keys_of_its_lists(server: Server) -> None:
    container = a_container(
        ports=[{"containerPort": 5000}],
        env=[{"name": "A", "value": "b"}],
        volumeMounts=[{"name": "v", "mountPath": "/v"}],
        command=["x"],
        resources={"limits": {"cpu": "1000m"}},
    )
    body = a_deployment(server, container)
    body["spec"]["template"]["spec"]["volumes"] = [{"name": "v", "emptyDir": {}}]
    found = await server.client.apply(DEPLOYMENTS, body, field_manager="us")
    pod = managers(found)["us"]["f:spec"]["f:template"]["f:spec"]

    assert pod["f:containers"]['k:{"name":"main"}'] == {
        ".": {},
        "f:name": {},
        "f:image": {},
        "f:command": {},
        "f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}}},
        "f:ports": {'k:{"containerPort":5000,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
        "f:resources": {"f:limits": {"f:cpu": {}}},
        "f:volumeMounts": {'k:{"mountPath":"/v"}': {".": {}, "f:mountPath": {}, "f:name": {}}},
    }
    assert pod["f:volumes"] == {'k:{"name":"v"}': {".": {}, "f:emptyDir": {}, "f:name": {}}}


async def test_a_creation_owns_everything_with_its_defaults(server: Server) -> None:
    created = await server.client.create(WIDGETS, a_widget(server), field_manager="them")

    assert managers(created)["them"] == {
        "f:spec": {
            ".": {},
            "f:size": {},
            "f:colour": {},
            "f:nested": {".": {}, "f:depth": {}},
        }
    }
    assert created.body()["metadata"]["managedFields"][0]["operation"] == "Update"


async def test_what_is_no_longer_wanted_goes(server: Server) -> None:
    await apply(server, words={"a": "1"}, list=["l"], tags=["x"], parts=[{"name": "a"}])
    after = await apply(server)

    assert spec_of(after) == {"size": 1, "colour": "red", "nested": {"depth": 3}}


async def test_what_somebody_else_wants_too_stays(server: Server) -> None:
    await apply(server, words={"a": "1", "b": "1"}, parts=[{"name": "a"}, {"name": "b"}])
    await apply(server, "them", words={"b": "1"}, parts=[{"name": "b", "note": "n"}])
    after = await apply(server)

    assert spec_of(after)["words"] == {"b": "1"}
    assert spec_of(after)["parts"] == [{"name": "b", "note": "n", "weight": 1}]


async def test_what_nobody_applied_stays(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server, words={"a": "1"}))
    after = await apply(server, words={"b": "1"})

    assert spec_of(after)["words"] == {"a": "1", "b": "1"}


async def test_the_same_value_is_owned_together(server: Server) -> None:
    await apply(server, "us", size=2)
    both = await apply(server, "them", size=2)

    assert managers(both) == {
        "us": {"f:spec": {"f:size": {}}},
        "them": {"f:spec": {"f:size": {}}},
    }


async def test_another_value_conflicts_field_by_field(server: Server) -> None:
    await apply(
        server,
        "them",
        size=2,
        list=["a"],
        words={"k": "v"},
        selector={"q": "r"},
        parts=[{"name": "a", "note": "n"}],
    )
    with pytest.raises(Conflict) as raised:
        await apply(
            server,
            size=3,
            list=["b"],
            words={"k": "w", "free": "to take"},
            selector={"q": "s"},
            parts=[{"name": "a", "note": "m"}, {"name": "b"}],
        )

    assert {cause.field for cause in raised.value.causes} == {
        ".spec.size",
        ".spec.list",
        ".spec.words.k",
        ".spec.selector",
        '.spec.parts[name="a"].note',
    }
    assert {cause.reason for cause in raised.value.causes} == {"FieldManagerConflict"}
    assert {cause.message for cause in raised.value.causes} == {'conflict with "them"'}
    assert raised.value.message.startswith('Apply failed with 5 conflicts: conflicts with "them":')


async def test_a_single_conflict_is_told_in_one_line(server: Server) -> None:
    await apply(server, "them", size=2)
    with pytest.raises(Conflict) as raised:
        await apply(server, size=3)

    assert raised.value.message == 'Apply failed with 1 conflict: conflict with "them": .spec.size'


async def test_a_conflict_with_an_update_names_its_version(server: Server) -> None:
    await apply(server)
    patch = {"spec": {"size": 5}}
    await server.client.patch(
        WIDGETS, server.key(), patch, kind="merge", field_manager="kubectl-edit"
    )
    with pytest.raises(Conflict, match=f'"kubectl-edit" using {WIDGETS.api_version}'):
        await apply(server)


async def test_force_takes_a_field_over_and_leaves_the_rest(server: Server) -> None:
    await apply(server, "them", size=2, words={"k": "v"})
    after = await apply_forced(server, size=3)

    assert managers(after) == {
        "them": {"f:spec": {"f:words": {"f:k": {}}}},
        "us": {"f:spec": {"f:size": {}}},
    }


async def test_an_update_takes_what_it_changes(server: Server) -> None:
    await apply(server, size=2, words={"k": "v"})
    patch = {"spec": {"size": 5, "words": {"new": "x"}}}
    after = await server.client.patch(
        WIDGETS, server.key(), patch, kind="merge", field_manager="them"
    )

    assert managers(after) == {
        "us": {"f:spec": {"f:words": {"f:k": {}}}},
        "them": {"f:spec": {"f:size": {}, "f:words": {"f:new": {}}}},
    }


async def test_what_an_update_removes_belongs_to_nobody(server: Server) -> None:
    await apply(server, words={"k": "v"})
    patch = {"spec": {"words": None}}
    after = await server.client.patch(
        WIDGETS, server.key(), patch, kind="merge", field_manager="them"
    )

    assert managers(after) == {"us": {"f:spec": {"f:size": {}}}}


async def test_an_applied_field_that_drifted_is_set_right(server: Server) -> None:
    await server.client.apply(DEPLOYMENTS, a_deployment(server), field_manager="us")
    drift = {"spec": {"replicas": 5}}
    drifted = await server.client.patch(DEPLOYMENTS, server.key(), drift, kind="merge")
    after = await server.client.apply(DEPLOYMENTS, a_deployment(server), field_manager="us")

    assert (drifted.body()["spec"]["replicas"], after.body()["spec"]["replicas"]) == (5, 1)
    assert (drifted.generation, after.generation) == (2, 3)


async def test_items_of_others_stay_among_ours(server: Server) -> None:
    await apply(server, parts=[{"name": "a"}, {"name": "b"}])
    await apply(server, "them", parts=[{"name": "a"}, {"name": "theirs"}])
    after = await apply(server, parts=[{"name": "c"}, {"name": "a"}])

    assert [part["name"] for part in spec_of(after)["parts"]] == ["c", "a", "theirs"]


async def test_a_foreign_container_stays_beside_ours(server: Server) -> None:
    await server.client.apply(DEPLOYMENTS, a_deployment(server), field_manager="us")
    sidecar = {"name": "sidecar", "image": "s:1"}
    theirs = {
        "metadata": server.metadata(),
        "spec": {"template": {"spec": {"containers": [sidecar]}}},
    }
    await server.client.apply(DEPLOYMENTS, theirs, field_manager="them")
    ours = a_deployment(server, a_container() | {"image": "a:2"})
    after = await server.client.apply(DEPLOYMENTS, ours, field_manager="us")
    containers = after.body()["spec"]["template"]["spec"]["containers"]

    assert [(c["name"], c["image"]) for c in containers] == [("main", "a:2"), ("sidecar", "s:1")]


async def test_sets_are_merged_member_by_member(server: Server) -> None:
    await apply(server, tags=["x"], metadata={"finalizers": ["example.org/x"]})
    await apply(server, "them", tags=["y"], metadata={"finalizers": ["example.org/y"]})
    both = await server.client.get(WIDGETS, server.key())
    after = await apply(server)

    assert spec_of(both)["tags"] == ["x", "y"]
    assert both.metadata.finalizers == ("example.org/x", "example.org/y")
    assert spec_of(after)["tags"] == ["y"]
    assert after.metadata.finalizers == ("example.org/y",)


async def test_an_atomic_list_is_replaced_whole(server: Server) -> None:
    await apply(server, "them", list=["a", "b"], selector={"a": "b"})
    after = await apply_forced(server, list=["c"], selector={"c": "d"})

    assert spec_of(after)["list"] == ["c"]
    assert spec_of(after)["selector"] == {"c": "d"}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"unknown": 1}, ".spec.unknown: field not declared in schema"),
        ({"size": "x"}, ".spec.size: expected numeric"),
        ({"parts": [{"name": "a"}, {"name": "a"}]}, "duplicate entries for key"),
        ({"tags": ["a", "a"]}, "duplicate entries for key"),
        ({"parts": [{"note": "n"}]}, "omits all key fields"),
    ],
)
async def test_an_intent_that_fits_no_object_of_the_kind_is_refused(
    server: Server, spec: Body, told: str
) -> None:
    with pytest.raises(ApiError, match="failed to create typed patch object") as raised:
        await apply(server, **spec)

    assert told in raised.value.message
    assert raised.value.status == 500


async def test_the_same_port_twice_is_refused(server: Server) -> None:
    ports = [{"containerPort": 5000}, {"containerPort": 5000, "name": "x"}]
    body = a_deployment(server, a_container(ports=ports))
    with pytest.raises(ApiError, match=r'\[containerPort=5000,protocol="TCP"\]'):
        await server.client.apply(DEPLOYMENTS, body, field_manager="us")


async def test_an_intent_must_say_who_has_it(server: Server) -> None:
    response = await server.send(
        "PATCH",
        WIDGETS.path(server.namespace, "one"),
        body={"apiVersion": WIDGETS.api_version, "kind": WIDGETS.kind, "metadata": {"name": "one"}},
        content_type="application/apply-patch+yaml",
    )

    assert response.status == 422
    assert b"fieldManager" in response.body


async def test_an_intent_holds_no_managed_fields(server: Server) -> None:
    created = await server.client.create(WIDGETS, a_widget(server))
    managed = created.body()["metadata"]["managedFields"]
    with pytest.raises(BadRequest, match="managedFields must be nil"):
        await apply_forced(server, metadata={"managedFields": managed})


async def test_an_intent_for_another_version_conflicts_even_when_forced(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server))
    with pytest.raises(Conflict, match="the object has been modified"):
        await apply_forced(server, size=2, metadata={"resourceVersion": "1"})


@pytest.mark.parametrize("resource", [CONFIG_MAPS, WIDGETS])
async def test_an_intent_for_one_object_makes_no_other(server: Server, resource: Resource) -> None:
    make = a_widget if resource == WIDGETS else a_config_map
    known = await server.client.create(resource, make(server))
    intent = make(server)
    intent["metadata"] |= {"uid": known.uid, "labels": {"a": "b"}}
    changed = await server.client.apply(resource, intent, field_manager="us")
    assert changed.uid == known.uid

    await server.client.delete(resource, server.key())
    with pytest.raises((Conflict, Invalid)):
        await server.client.apply(resource, intent, field_manager="us")
    await server.client.create(resource, make(server))
    with pytest.raises(Invalid):
        await server.client.apply(resource, intent, field_manager="us")


async def test_an_intent_at_a_version_before_anything_makes_and_never_changes(
    server: Server,
) -> None:
    """Whether fields are disputed or not: what the first write of a child rests upon."""
    wanted = a_config_map(server, key="ours")
    wanted["metadata"]["resourceVersion"] = "1"
    contents: list[dict[str, str]] = [{"key": "theirs"}, {"key": "ours"}, {"other": "theirs"}, {}]
    for content in contents:
        theirs = await server.client.create(CONFIG_MAPS, a_config_map(server, **content))
        with pytest.raises(Conflict):
            await server.client.apply(CONFIG_MAPS, wanted, field_manager="us", force=False)
        assert await server.client.get(CONFIG_MAPS, server.key()) == theirs
        await server.client.delete(CONFIG_MAPS, server.key())

    made = await server.client.apply(CONFIG_MAPS, wanted, field_manager="us", force=False)
    assert made.body()["data"] == {"key": "ours"}
    assert made.resource_version != "1"


async def test_a_version_before_anything_means_the_same_for_kinds_of_any_maker(
    server: Server,
) -> None:
    """Custom kinds, which may not be updated without a version, and those with a generation."""
    for resource, body in (
        (WIDGETS, a_widget(server)),
        (DEPLOYMENTS, a_deployment(server)),
        (SERVICES, a_service(server)),
    ):
        wanted = {**body, "metadata": {**body["metadata"], "resourceVersion": "1"}}
        made = await server.client.apply(resource, wanted, field_manager="us", force=False)
        with pytest.raises(Conflict):
            await server.client.apply(resource, wanted, field_manager="us", force=False)
        held = await server.client.get(resource, server.key())
        assert (held.uid, held.generation) == (made.uid, made.generation)


async def test_fields_whose_owners_were_forgotten_belong_to_somebody_before(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server))
    reset: Body = {"metadata": {"managedFields": [{}]}}
    cleared = await server.client.patch(WIDGETS, server.key(), reset, kind="merge")
    assert managers(cleared) == {}

    with pytest.raises(Conflict, match="before-first-apply"):
        await apply(server, size=2)
    after = await apply_forced(server, size=2)
    assert managers(after)["before-first-apply"]["f:spec"]["f:colour"] == {}
    assert managers(after)["us"] == {"f:spec": {"f:size": {}}}


async def test_an_apply_to_the_status_of_nothing_is_not_found(server: Server) -> None:
    with pytest.raises(NotFound):
        await server.client.apply(
            WIDGETS,
            {"metadata": server.metadata(), "status": {"phase": "x"}},
            field_manager="us",
            subresource="status",
        )
