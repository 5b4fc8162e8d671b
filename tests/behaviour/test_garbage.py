"""Owners and what they own: who goes with whom, and in which order."""

from typing import Any, Literal

import pytest

from registry_operator.kube.resource import ObjectKey
from tests.behaviour.bodies import CONFIG_MAPS, NAMESPACES, WIDGETS, a_widget, owned_by
from tests.behaviour.server import Server, eventually

pytestmark = pytest.mark.usefixtures("controllers")

_HELD = {"finalizers": ["example.org/hold"]}


async def a_family(
    server: Server, *, blocks: bool = True, child: dict[str, Any] | None = None
) -> None:
    """An owner and a child of it."""
    owner = (await server.client.create(WIDGETS, a_widget(server, "owner"))).body()
    references = {"ownerReferences": [owned_by(owner, blocks=blocks)]}
    metadata = server.metadata("child", **references, **(child or {}))
    await server.client.create(CONFIG_MAPS, {"metadata": metadata})


async def release(server: Server, name: str = "child") -> None:
    patch = {"metadata": {"finalizers": None}}
    await server.client.patch(CONFIG_MAPS, server.key(name), patch, kind="merge")


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
async def test_what_an_object_owns_goes_with_it(
    server: Server, propagation: Literal["Background", "Foreground"]
) -> None:
    await a_family(server)
    await server.client.delete(WIDGETS, server.key("owner"), propagation=propagation)

    await server.gone(WIDGETS, "owner")
    await server.gone(CONFIG_MAPS, "child")


async def test_orphans_stay_without_their_owner(server: Server) -> None:
    await a_family(server)
    await server.client.delete(WIDGETS, server.key("owner"), propagation="Orphan")
    await server.gone(WIDGETS, "owner")
    child = await server.client.get(CONFIG_MAPS, server.key("child"))

    assert child.owner_references == ()
    assert not child.is_deleting


async def test_a_child_of_nobody_goes(server: Server) -> None:
    nobody = {
        "apiVersion": WIDGETS.api_version,
        "kind": WIDGETS.kind,
        "metadata": {"name": "nobody", "uid": "never-was"},
    }
    metadata = server.metadata("child", ownerReferences=[owned_by(nobody)])
    await server.client.create(CONFIG_MAPS, {"metadata": metadata})

    await server.gone(CONFIG_MAPS, "child")


async def test_a_child_of_the_dead_goes_though_another_has_the_name(server: Server) -> None:
    first = (await server.client.create(WIDGETS, a_widget(server, "owner"))).body()
    await server.client.delete(WIDGETS, server.key("owner"))
    await server.client.create(WIDGETS, a_widget(server, "owner"))
    metadata = server.metadata("child", ownerReferences=[owned_by(first)])
    await server.client.create(CONFIG_MAPS, {"metadata": metadata})

    await server.gone(CONFIG_MAPS, "child")
    assert await server.exists(WIDGETS, server.key("owner"))


async def test_an_owner_in_another_namespace_is_none(server: Server) -> None:
    elsewhere = f"{server.namespace[:40]}-elsewhere"
    await server.client.create(NAMESPACES, {"metadata": {"name": elsewhere}})
    body = a_widget(server, "owner") | {"metadata": {"name": "owner", "namespace": elsewhere}}
    owner = (await server.client.create(WIDGETS, body)).body()
    metadata = server.metadata("child", ownerReferences=[owned_by(owner)])
    await server.client.create(CONFIG_MAPS, {"metadata": metadata})

    await server.gone(CONFIG_MAPS, "child")
    assert await server.exists(WIDGETS, ObjectKey(elsewhere, "owner"))


async def test_one_owner_that_stays_is_enough(server: Server) -> None:
    owners = [
        (await server.client.create(WIDGETS, a_widget(server, name))).body()
        for name in ("one", "other")
    ]
    references = [owned_by(owner) for owner in owners]
    metadata = server.metadata("child", ownerReferences=references)
    await server.client.create(CONFIG_MAPS, {"metadata": metadata})
    await server.client.delete(WIDGETS, server.key("one"))

    async def has_one_left() -> bool:
        child = await server.client.get(CONFIG_MAPS, server.key("child"))
        return [owner.name for owner in child.owner_references] == ["other"]

    await eventually(has_one_left)
    await server.client.delete(WIDGETS, server.key("other"))
    await server.gone(CONFIG_MAPS, "child")


async def test_grandchildren_go_too(server: Server) -> None:
    await a_family(server)
    child = (await server.client.get(CONFIG_MAPS, server.key("child"))).body()
    metadata = server.metadata("grandchild", ownerReferences=[owned_by(child)])
    await server.client.create(CONFIG_MAPS, {"metadata": metadata})
    await server.client.delete(WIDGETS, server.key("owner"))

    await server.gone(CONFIG_MAPS, "child", "grandchild")


async def test_in_the_foreground_a_held_child_keeps_its_owner(server: Server) -> None:
    await a_family(server, child=_HELD)
    await server.client.delete(WIDGETS, server.key("owner"), propagation="Foreground")

    async def child_is_leaving() -> bool:
        return (await server.client.get(CONFIG_MAPS, server.key("child"))).is_deleting

    await eventually(child_is_leaving)
    owner = await server.client.get(WIDGETS, server.key("owner"))
    assert owner.is_deleting
    assert owner.metadata.finalizers == ("foregroundDeletion",)

    await release(server)
    await server.gone(CONFIG_MAPS, "child")
    await server.gone(WIDGETS, "owner")


async def test_in_the_foreground_only_children_that_block_are_waited_for(server: Server) -> None:
    await a_family(server, blocks=False, child=_HELD)
    await server.client.delete(WIDGETS, server.key("owner"), propagation="Foreground")
    await server.gone(WIDGETS, "owner")

    assert (await server.client.get(CONFIG_MAPS, server.key("child"))).is_deleting
    await release(server)
    await server.gone(CONFIG_MAPS, "child")


async def test_in_the_background_a_held_child_outlives_its_owner(server: Server) -> None:
    await a_family(server, child=_HELD)
    await server.client.delete(WIDGETS, server.key("owner"))
    assert not await server.exists(WIDGETS, server.key("owner"))

    async def child_is_leaving() -> bool:
        return (await server.client.get(CONFIG_MAPS, server.key("child"))).is_deleting

    await eventually(child_is_leaving)
    await release(server)
    await server.gone(CONFIG_MAPS, "child")
