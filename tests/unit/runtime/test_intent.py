"""Seals: the digest of our own content, whatever the order of keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_operator.runtime.intent import digest, seal

MARK = "example.org/intent"


@given(st.dictionaries(st.text(max_size=5), st.integers(-(2**53), 2**53), max_size=6))
def test_the_digest_does_not_depend_on_the_order_of_keys(value: dict[str, int]) -> None:
    assert digest(value) == digest(dict(reversed(value.items())))
    assert len(digest(value)) == 32
    assert digest(value) != digest({"of": value})


def test_what_is_not_json_has_no_digest() -> None:
    with pytest.raises(TypeError):
        digest({"a": object()})


def test_a_seal_leaves_the_body_alone_and_adds_one_annotation() -> None:
    body = {"metadata": {"name": "a", "annotations": {"x": "y"}}, "data": {"k": "v"}}
    sealed = seal(body, annotation=MARK)

    assert body["metadata"]["annotations"] == {"x": "y"}  # type: ignore[index]  # the test's own body
    assert sealed["metadata"]["annotations"] == {"x": "y", MARK: digest(body)}
    assert sealed["data"] == body["data"]


def test_a_body_without_metadata_can_be_sealed() -> None:
    assert seal({}, annotation=MARK) == {"metadata": {"annotations": {MARK: digest({})}}}
