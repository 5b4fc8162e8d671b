"""Pages of lists, as raw answers."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock

pytestmark = pytest.mark.virtual

SECRETS = Resource("", "v1", "Secret", "secrets")
WIDGETS = Resource("example.org", "v1", "Widget", "widgets")


@pytest.fixture
async def api() -> FakeApi:
    api = FakeApi([SECRETS, WIDGETS], clock=VirtualClock())
    for name in ("a", "b", "c", "d"):
        api.put(SECRETS, {"metadata": {"name": name, "namespace": "ns", "labels": {name: name}}})
    return api


def ask(api: FakeApi, resource: Resource = SECRETS, **query: str) -> dict[str, Any]:
    query = {name.rstrip("_"): value for name, value in query.items()}
    answer = api.answer(Request("GET", resource.path(), query=tuple(query.items())))
    body: dict[str, Any] = orjson.loads(answer.body)
    return body


def names(page: Mapping[str, Any]) -> list[str]:
    return [item["metadata"]["name"] for item in page["items"]]


async def test_a_token_can_be_used_twice(api: FakeApi) -> None:
    token = ask(api, limit="2")["metadata"]["continue"]
    pages = [ask(api, limit="1", continue_=token) for _ in range(2)]

    assert [names(page) for page in pages] == [["c"], ["c"]]
    assert pages[0]["metadata"]["remainingItemCount"] == 1


async def test_later_pages_show_what_was_changed_removed_and_made_since_as_it_was(
    api: FakeApi,
) -> None:
    first = ask(api, limit="1")
    api.delete(SECRETS, ObjectKey("ns", "b"))
    api.change(SECRETS, ObjectKey("ns", "c"), lambda body: body["metadata"].pop("labels"))
    api.put(SECRETS, {"metadata": {"name": "bb", "namespace": "ns"}})
    rest = ask(api, continue_=first["metadata"]["continue"])

    assert names(rest) == ["b", "c", "d"]
    assert [item["metadata"]["labels"] for item in rest["items"]] == [{n: n} for n in "bcd"]
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_an_expired_token_comes_with_one_that_goes_on_with_what_is_there_now(
    api: FakeApi,
) -> None:
    token = ask(api, limit="2")["metadata"]["continue"]
    api.put(SECRETS, {"metadata": {"name": "late", "namespace": "ns"}})
    api.compact()
    refused = ask(api, continue_=token)

    assert (refused["code"], refused["reason"]) == (410, "Expired")
    assert names(ask(api, continue_=refused["metadata"]["continue"])) == ["c", "d", "late"]


async def test_a_selector_hides_how_many_remain(api: FakeApi) -> None:
    page = ask(api, limit="1", labelSelector="b")

    assert names(page) == ["b"]
    assert page["metadata"]["continue"]
    assert "remainingItemCount" not in page["metadata"]
    assert (
        names(ask(api, limit="1", labelSelector="b", continue_=page["metadata"]["continue"])) == []
    )


@pytest.mark.parametrize("token", ["x", "bnVsbA", "e30", "!!"])
async def test_what_is_no_token_is_refused(api: FakeApi, token: str) -> None:
    assert ask(api, continue_=token)["code"] == 400


async def test_items_of_typed_lists_do_not_carry_their_type(api: FakeApi) -> None:
    api.put(WIDGETS, {"metadata": {"name": "a", "namespace": "ns"}})
    (widget,) = ask(api, WIDGETS)["items"]
    secret = ask(api)["items"][0]

    assert (widget["kind"], widget["apiVersion"]) == ("Widget", "example.org/v1")
    assert "kind" not in secret
    assert "apiVersion" not in secret
