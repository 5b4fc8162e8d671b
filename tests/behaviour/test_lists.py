"""Lists: selected, in pages, of one moment."""

import pytest

from registry_operator.kube.errors import BadRequest
from registry_operator.kube.resource import Resource
from tests.behaviour.bodies import CONFIG_MAPS, SECRETS, WIDGETS, a_config_map, a_widget
from tests.behaviour.server import Body, Server


async def several(server: Server, *names: str) -> None:
    for name in names:
        await server.client.create(
            WIDGETS, a_widget(server, name, metadata={"labels": {name: "x"}})
        )


async def ask(server: Server, **query: str) -> tuple[int, Body]:
    query = {name.rstrip("_"): value for name, value in query.items()}
    return await server.ask("GET", WIDGETS.path(server.namespace), **query)


def names(page: Body) -> list[str]:
    return [item["metadata"]["name"] for item in page["items"]]


async def test_a_list_is_ordered_by_name_and_says_what_moment_it_is_of(server: Server) -> None:
    await several(server, "b", "a-b", "a")
    listing = await server.client.list(WIDGETS, namespace=server.namespace)

    assert [item.name for item in listing.items] == ["a", "a-b", "b"]
    assert int(listing.resource_version) >= int(listing.items[0].resource_version)
    assert {item.kind for item in listing.items} == {"Widget"}


async def test_namespaces_are_ordered_as_paths_are(server: Server) -> None:
    status, page = await server.ask("GET", CONFIG_MAPS.path())
    paths = ["/".join((i["metadata"]["namespace"], i["metadata"]["name"])) for i in page["items"]]

    assert status == 200
    assert paths == sorted(paths)


async def test_pages_tell_one_moment(server: Server) -> None:
    await several(server, "a", "b", "c", "d", "e")
    pages = []
    async for page in server.client.pages(WIDGETS, namespace=server.namespace, limit=2):
        pages.append(page)
        if len(pages) == 1:
            await several(server, "bb")
            await server.client.delete(WIDGETS, server.key("c"))
            patch = {"spec": {"size": 9}}
            await server.client.patch(WIDGETS, server.key("d"), patch, kind="merge")

    assert [[item.name for item in page.items] for page in pages] == [["a", "b"], ["c", "d"], ["e"]]
    assert [page.remaining for page in pages] == [3, 1, None]
    assert len({page.resource_version for page in pages}) == 1
    assert [item.body()["spec"]["size"] for item in pages[1].items] == [1, 1]


async def test_a_token_can_be_used_again_and_with_another_limit(server: Server) -> None:
    await several(server, "a", "b", "c", "d")
    _, first = await ask(server, limit="1")
    token = first["metadata"]["continue"]
    pages = [(await ask(server, continue_=token, limit=limit))[1] for limit in ("1", "1", "9")]

    assert [names(page) for page in pages] == [["b"], ["b"], ["b", "c", "d"]]


async def test_a_selector_hides_how_many_remain(server: Server) -> None:
    await several(server, "a", "b", "c")
    _, page = await ask(server, limit="1", labelSelector="b")

    assert names(page) == ["b"]
    assert page["metadata"]["continue"]
    assert "remainingItemCount" not in page["metadata"]


@pytest.mark.parametrize("token", ["nonsense", "e30"])
async def test_a_token_that_means_nothing_is_refused(server: Server, token: str) -> None:
    status, refusal = await ask(server, continue_=token)

    assert (status, refusal["reason"]) == (400, "BadRequest")
    assert "continue key is not valid" in refusal["message"]


async def test_a_token_and_a_version_are_not_both_asked_for(server: Server) -> None:
    await several(server, "a", "b")
    _, page = await ask(server, limit="1")
    token, version = page["metadata"]["continue"], page["metadata"]["resourceVersion"]
    status, refusal = await ask(server, continue_=token, resourceVersion=version)

    assert status == 400
    assert "not allowed when using continue" in refusal["message"]


async def test_any_version_comes_at_once_whatever_the_limit(server: Server) -> None:
    await several(server, "a", "b", "c")
    await server.client.list(WIDGETS, namespace=server.namespace)
    _, page = await ask(server, limit="1", resourceVersion="0")

    assert not page["metadata"].get("continue")
    assert len(page["items"]) == 3


async def test_an_exact_version_is_the_past_and_a_minimum_is_not(server: Server) -> None:
    await several(server, "a", "b")
    version = (await ask(server))[1]["metadata"]["resourceVersion"]
    await server.client.delete(WIDGETS, server.key("a"))
    await several(server, "c")
    _, exact = await ask(server, resourceVersion=version, resourceVersionMatch="Exact")
    _, minimum = await ask(server, resourceVersion=version, resourceVersionMatch="NotOlderThan")

    assert (names(exact), names(minimum)) == (["a", "b"], ["b", "c"])
    assert exact["metadata"]["resourceVersion"] == version


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"resourceVersionMatch": "Exact"}, "forbidden unless resourceVersion is provided"),
        ({"resourceVersionMatch": "Exact", "resourceVersion": "0"}, "is forbidden for"),
        ({"resourceVersionMatch": "Foo", "resourceVersion": "1"}, "Unsupported value"),
    ],
)
async def test_a_match_that_contradicts_its_version_is_invalid(
    server: Server, query: dict[str, str], told: str
) -> None:
    status, refusal = await ask(server, **query)

    assert (status, refusal["reason"]) == (422, "Invalid")
    assert told in refusal["message"]
    assert refusal["details"]["causes"][0]["field"] == "resourceVersionMatch"


@pytest.mark.parametrize(
    "query", [{"resourceVersion": "abc"}, {"limit": "x"}, {"labelSelector": "a b c"}]
)
async def test_parameters_that_mean_nothing_are_refused(
    server: Server, query: dict[str, str]
) -> None:
    status, refusal = await ask(server, **query)

    assert (status, refusal["reason"]) == (400, "BadRequest")


async def test_a_version_of_the_future_is_waited_for_in_vain(server: Server) -> None:
    status, refusal = await ask(server, resourceVersion="1000000000")

    assert (status, refusal["reason"]) == (504, "Timeout")
    assert refusal["details"]["retryAfterSeconds"] == 1
    assert refusal["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app=x", ["a"]),
        ("app!=x", ["b", "c"]),
        ("app in (x, y)", ["a", "b"]),
        ("app notin (x)", ["b", "c"]),
        ("app", ["a", "b"]),
        ("!app", ["c"]),
        ("app,tier=1", ["b"]),
    ],
)
async def test_labels_select(server: Server, selector: str, expected: list[str]) -> None:
    labels: dict[str, dict[str, str]] = {
        "a": {"app": "x"},
        "b": {"app": "y", "tier": "1"},
        "c": {},
    }
    for name, own in labels.items():
        await server.client.create(WIDGETS, a_widget(server, name, metadata={"labels": own}))

    assert await server.names(WIDGETS, label_selector=selector) == expected


async def test_fields_select_by_name_and_what_a_kind_declares(server: Server) -> None:
    await several(server, "a", "b")
    for name in ("a", "b"):
        secret = {"metadata": server.metadata(name), "type": f"example.org/{name}"}
        await server.client.create(SECRETS, secret)

    assert await server.names(WIDGETS, field_selector="metadata.name=b") == ["b"]
    assert await server.names(SECRETS, field_selector="type=example.org/a") == ["a"]
    assert await server.names(SECRETS, field_selector="type!=example.org/a") == ["b"]


@pytest.mark.parametrize(
    ("resource", "field"), [(WIDGETS, "spec.size=1"), (CONFIG_MAPS, "data.x=a")]
)
async def test_a_field_that_a_kind_does_not_declare_selects_nothing_and_is_refused(
    server: Server, resource: Resource, field: str
) -> None:
    with pytest.raises(BadRequest, match=field.partition("=")[0]):
        await server.client.list(resource, namespace=server.namespace, field_selector=field)


async def test_items_of_typed_lists_do_not_carry_their_type(server: Server) -> None:
    await server.client.create(CONFIG_MAPS, a_config_map(server))
    await several(server, "one")
    _, typed = await server.ask("GET", CONFIG_MAPS.path(server.namespace))
    _, custom = await ask(server)

    assert (typed["kind"], custom["kind"]) == ("ConfigMapList", "WidgetList")
    assert "kind" not in typed["items"][0]
    assert custom["items"][0]["kind"] == "Widget"


async def test_lists_of_metadata_carry_no_content(server: Server) -> None:
    await server.client.create(CONFIG_MAPS, a_config_map(server, password="hunter2"))
    listing = await server.client.list(CONFIG_MAPS, namespace=server.namespace, metadata_only=True)

    assert all(b"hunter2" not in item.raw for item in listing.items)
    assert {item.kind for item in listing.items} == {"PartialObjectMetadata"}
    assert {"app": "x"} in [item.labels for item in listing.items]


async def test_one_object_can_be_listed_by_its_name(server: Server) -> None:
    made = await server.client.create(CONFIG_MAPS, a_config_map(server))
    await server.client.create(CONFIG_MAPS, a_config_map(server, "two"))
    listing = await server.client.list(
        CONFIG_MAPS,
        namespace=server.namespace,
        field_selector="metadata.name=one",
        metadata_only=True,
    )

    assert [one.uid for one in listing.items] == [made.uid]
