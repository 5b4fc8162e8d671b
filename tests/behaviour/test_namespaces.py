"""Namespaces: what is not in one, and what happens to what is in one that ends."""

import pytest

from registry_operator.kube.errors import Forbidden, NotFound
from registry_operator.kube.resource import ObjectKey
from tests.behaviour.bodies import CONFIG_MAPS, NAMESPACES, WIDGETS, a_widget
from tests.behaviour.server import Server, eventually

_HELD = {"finalizers": ["example.org/hold"]}


async def test_nothing_is_created_where_there_is_no_namespace(server: Server) -> None:
    body = {"metadata": {"name": "one", "namespace": "nowhere"}}
    with pytest.raises(NotFound, match='namespaces "nowhere" not found'):
        await server.client.create(CONFIG_MAPS, body)
    with pytest.raises(NotFound):
        await server.client.apply(CONFIG_MAPS, body, field_manager="us")


async def test_a_list_of_nowhere_is_empty(server: Server) -> None:
    assert (await server.client.list(CONFIG_MAPS, namespace="nowhere")).items == []


async def an_ending_namespace(server: Server) -> ObjectKey:
    """A namespace that is held by somebody, in which a widget is held too."""
    key = ObjectKey("", f"{server.namespace[:40]}-ending")
    await server.client.create(NAMESPACES, {"metadata": {"name": key.name, **_HELD}})
    for name, held in (("held", _HELD), ("free", {})):
        body = a_widget(server) | {"metadata": {"name": name, "namespace": key.name, **held}}
        await server.client.create(WIDGETS, body)
    await server.client.delete(NAMESPACES, key)
    return key


async def release(server: Server, namespace: ObjectKey) -> None:
    patch = {"metadata": {"finalizers": None}}
    await server.client.patch(NAMESPACES, namespace, patch, kind="merge")


async def test_an_ending_namespace_takes_nothing_new(server: Server) -> None:
    key = await an_ending_namespace(server)
    found = await server.client.get(NAMESPACES, key)
    assert found.is_deleting
    assert found.body()["status"]["phase"] == "Terminating"

    body = {"metadata": {"name": "late", "namespace": key.name}}
    with pytest.raises(Forbidden, match="because it is being terminated") as raised:
        await server.client.create(CONFIG_MAPS, body)
    assert raised.value.is_namespace_terminating
    (cause,) = raised.value.causes
    assert (cause.reason, cause.field) == ("NamespaceTerminating", "metadata.namespace")
    with pytest.raises(Forbidden):
        await server.client.apply(CONFIG_MAPS, body, field_manager="us")
    await release(server, key)


async def test_what_is_there_can_be_changed_while_its_namespace_ends(server: Server) -> None:
    key = await an_ending_namespace(server)
    patch = {"spec": {"size": 5}}
    held = ObjectKey(key.name, "held")
    changed = await server.client.patch(WIDGETS, held, patch, kind="merge")

    assert changed.body()["spec"]["size"] == 5
    await release(server, key)


@pytest.mark.usefixtures("controllers")
async def test_a_namespace_ends_when_all_that_is_in_it_has_ended(server: Server) -> None:
    key = await an_ending_namespace(server)
    held, free = ObjectKey(key.name, "held"), ObjectKey(key.name, "free")

    async def held_is_all_there_is() -> bool:
        is_leaving = (await server.client.get(WIDGETS, held)).is_deleting
        return is_leaving and not await server.exists(WIDGETS, free)

    async def is_gone() -> bool:
        return not await server.exists(NAMESPACES, key)

    await eventually(held_is_all_there_is)
    await release(server, key)
    assert await server.exists(NAMESPACES, key)
    patch = {"metadata": {"finalizers": None}}
    await server.client.patch(WIDGETS, held, patch, kind="merge")
    await eventually(is_gone)


@pytest.mark.usefixtures("controllers")
async def test_whoever_holds_an_empty_namespace_holds_it_alone(server: Server) -> None:
    key = ObjectKey("", f"{server.namespace[:40]}-held")
    await server.client.create(NAMESPACES, {"metadata": {"name": key.name, **_HELD}})
    await server.client.delete(NAMESPACES, key)

    async def is_let_go_by_the_server() -> bool:
        return "finalizers" not in (await server.client.get(NAMESPACES, key)).body()["spec"]

    async def is_gone() -> bool:
        return not await server.exists(NAMESPACES, key)

    await eventually(is_let_go_by_the_server)
    await release(server, key)
    await eventually(is_gone)
    await server.client.create(NAMESPACES, {"metadata": {"name": key.name}})
