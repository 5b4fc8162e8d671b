"""What is forgotten: compaction, and how clients are told."""

from registry_operator.kube.errors import Gone
from registry_operator.kube.watch import Failed
from tests.behaviour.bodies import WIDGETS, a_widget
from tests.behaviour.server import Server, told


async def test_what_is_forgotten_is_gone_and_a_new_list_begins_anew(server: Server) -> None:
    for name in ("a", "b", "c"):
        await server.client.create(WIDGETS, a_widget(server, name))
    path = WIDGETS.path(server.namespace)
    _, first = await server.ask("GET", path, limit="1")
    token, version = first["metadata"]["continue"], first["metadata"]["resourceVersion"]
    await server.client.create(WIDGETS, a_widget(server, "d"))
    await server.levers.forget()

    # A later page.
    status, refusal = await server.ask("GET", path, limit="1", **{"continue": token})
    assert (status, refusal["reason"]) == (410, "Expired")
    assert "The provided continue parameter is too old" in refusal["message"]

    # The token that comes with the refusal goes on with what is there now.
    anew = {"continue": refusal["metadata"]["continue"]}
    status, rest = await server.ask("GET", path, **anew)
    assert status == 200
    assert [item["metadata"]["name"] for item in rest["items"]] == ["b", "c", "d"]
    assert rest["metadata"]["resourceVersion"] != version

    # A list of the past.
    exact = {"resourceVersion": version, "resourceVersionMatch": "Exact"}
    status, refusal = await server.ask("GET", path, **exact)
    assert (status, refusal["reason"]) == (410, "Expired")

    # A watch from the past.
    async with server.client.watch(
        WIDGETS, namespace=server.namespace, resource_version=version, timeout_seconds=5
    ) as events:
        event = await anext(events)
    assert isinstance(event, Failed)
    assert isinstance(event.error, Gone)
    assert event.error.reason == "Expired"
    assert "too old resource version" in event.error.message

    # A watch from now.
    listing = await server.client.list(WIDGETS, namespace=server.namespace)
    async with server.client.watch(
        WIDGETS,
        namespace=server.namespace,
        resource_version=listing.resource_version,
        timeout_seconds=30,
    ) as events:
        await server.client.delete(WIDGETS, server.key("a"))
        assert told([await anext(events)]) == ["Deleted a"]
