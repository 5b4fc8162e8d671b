import orjson
import pytest

from registry_operator.kube.errors import CodecError
from registry_operator.kube.page import decode_page
from registry_operator.kube.resource import Resource

SECRETS = Resource("", "v1", "Secret", "secrets")


def test_a_page_knows_its_moment_and_what_follows() -> None:
    metadata = {"resourceVersion": "9", "continue": "token", "remainingItemCount": 3}
    items = [{"metadata": {"name": name, "managedFields": []}} for name in "ab"]
    body = orjson.dumps({"metadata": metadata, "items": items})
    page = decode_page(body, SECRETS, without_managed_fields=True)

    assert [item.name for item in page.items] == ["a", "b"]
    assert {item.kind for item in page.items} == {"Secret"}
    assert all("managedFields" not in item.body()["metadata"] for item in page.items)
    assert (page.resource_version, page.continue_token, page.remaining) == ("9", "token", 3)


def test_an_empty_list_of_go_is_null() -> None:
    page = decode_page(b'{"metadata": {"resourceVersion": "9"}, "items": null}', SECRETS)

    assert list(page.items) == []
    assert (page.continue_token, page.remaining) == ("", None)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"items": []}', b'{"metadata": {}, "items": 1}']
)
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(CodecError, match="not a list of secrets"):
        decode_page(body, SECRETS)
