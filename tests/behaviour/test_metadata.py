"""Labels, owners and finalizers: what may be said of an object, and how it ends."""

from typing import Any

import pytest

from registry_operator.kube.errors import AlreadyExists, Invalid
from tests.behaviour.bodies import WIDGETS, a_widget
from tests.behaviour.server import Server

_OWNER = {"apiVersion": "v1", "kind": "Node", "name": "a", "uid": "1"}


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"labels": {"a": "b c"}}, "metadata.labels"),
        ({"labels": {"a": "x" * 64}}, "metadata.labels"),
        ({"labels": {"a b": "c"}}, "metadata.labels"),
        ({"annotations": {"a b": "c"}}, "metadata.annotations"),
        ({"ownerReferences": [{**_OWNER, "uid": ""}]}, "metadata.ownerReferences[0].uid"),
        (
            {
                "ownerReferences": [
                    {**_OWNER, "controller": True},
                    {**_OWNER, "uid": "2", "controller": True},
                ]
            },
            "metadata.ownerReferences",
        ),
    ],
)
async def test_metadata_that_means_nothing_is_refused(
    server: Server, metadata: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as raised:
        await server.client.create(WIDGETS, a_widget(server, metadata=metadata))

    assert {cause.field for cause in raised.value.causes} == {field}


async def test_labels_and_annotations_do_not_move_the_generation(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server))
    patch = {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}}
    after = await server.client.patch(WIDGETS, server.key(), patch, kind="merge")

    assert (after.labels, after.annotations) == ({"a": "b"}, {"c": "d"})
    assert after.generation == 1


async def test_a_finalizer_holds_an_object_until_it_is_removed(server: Server) -> None:
    held = a_widget(server, metadata={"finalizers": ["example.org/hold"]})
    await server.client.create(WIDGETS, held)
    await server.client.delete(WIDGETS, server.key())
    leaving = await server.client.get(WIDGETS, server.key())
    assert leaving.is_deleting
    assert leaving.generation == 2
    assert leaving.body()["metadata"]["deletionGracePeriodSeconds"] == 0

    patch = {"metadata": {"finalizers": None}}
    await server.client.patch(WIDGETS, server.key(), patch, kind="merge")
    assert not await server.exists(WIDGETS, server.key())


async def test_who_asks_again_changes_nothing(server: Server) -> None:
    held = a_widget(server, metadata={"finalizers": ["example.org/hold"]})
    await server.client.create(WIDGETS, held)
    await server.client.delete(WIDGETS, server.key())
    leaving = await server.client.get(WIDGETS, server.key())
    await server.client.delete(WIDGETS, server.key())

    assert await server.client.get(WIDGETS, server.key()) == leaving


async def test_what_is_leaving_can_be_changed_but_not_held_by_more(server: Server) -> None:
    held = a_widget(server, metadata={"finalizers": ["example.org/hold"]})
    await server.client.create(WIDGETS, held)
    await server.client.delete(WIDGETS, server.key())
    changed = await server.client.patch(WIDGETS, server.key(), {"spec": {"size": 2}}, kind="merge")
    assert changed.generation == 3

    more = {"metadata": {"finalizers": ["example.org/hold", "example.org/more"]}}
    with pytest.raises(Invalid, match="no new finalizers can be added"):
        await server.client.patch(WIDGETS, server.key(), more, kind="merge")


async def test_the_name_of_what_is_leaving_is_taken(server: Server) -> None:
    held = a_widget(server, metadata={"finalizers": ["example.org/hold"]})
    await server.client.create(WIDGETS, held)
    await server.client.delete(WIDGETS, server.key())

    with pytest.raises(AlreadyExists, match="object is being deleted"):
        await server.client.create(WIDGETS, a_widget(server))


async def test_an_apply_finds_what_is_leaving_and_does_not_keep_it(server: Server) -> None:
    held = a_widget(server, metadata={"finalizers": ["example.org/hold"]})
    await server.client.apply(WIDGETS, held, field_manager="us")
    await server.client.delete(WIDGETS, server.key())
    await server.client.apply(WIDGETS, a_widget(server), field_manager="us")

    assert not await server.exists(WIDGETS, server.key())


async def test_nobody_but_the_server_says_when_an_object_is_deleted(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server))
    patch = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
    with pytest.raises(Invalid, match="field is immutable"):
        await server.client.patch(WIDGETS, server.key(), patch, kind="merge")
