"""Fields that become parameters of a driver: what the release does not know, what is said twice."""

from typing import Any

import pytest

from registry_operator.distribution.finding import Finding
from registry_operator.distribution.options import Option, check, is_set
from registry_operator.distribution.release import Release

_OLD, _FIRST, _NEW = Release(2, 8, 3), Release(3, 0, 0), Release(3, 1, 2)
_ACCELERATE = Option("storage.s3.accelerate", "accelerate", value=True)
_CHUNKS = Option("storage.s3.chunkSize", "chunksize", 5 << 20)


def _check(
    *options: Option, release: Release | None = _NEW, extra: dict[str, Any] | None = None
) -> list[Finding]:
    return check(options, driver="s3", extra=extra or {}, release=release)


def _storage_class(value: str) -> Option:
    return Option("storage.s3.storageClass", "storageclass", value)


def test_what_every_release_knows_is_no_finding() -> None:
    for release in (_OLD, _FIRST, _NEW, None):
        assert _check(_CHUNKS, release=release) == []


def test_a_field_that_the_release_would_drop_without_a_word_is_named_with_the_cure() -> None:
    (found,) = _check(_ACCELERATE, release=_OLD)

    assert (found.path, found.reason) == ("storage.s3.accelerate", "FieldUnsupported")
    assert found.message == (
        "exists since release 3.0.0, and the image is 2.8.3: remove it, or use a newer image"
    )
    assert _check(_ACCELERATE, release=_FIRST) == []


@pytest.mark.parametrize(
    ("value", "release", "told"),
    [
        ("STANDARD", _OLD, None),
        ("NONE", None, None),
        ("STANDARD_IA", _FIRST, None),
        ("STANDARD_IA", _OLD, "exists since release 3.0.0"),
        ("EXPRESS_ONEZONE", _FIRST, "exists since release 3.1.0"),
        ("EXPRESS_ONEZONE", _NEW, None),
        ("EXPRESS_ONEZONE", Release(3), None),
        ("STANDARD_IA", None, "stops releases before 3.0.0, and the image's tag does not tell"),
    ],
)
def test_a_storage_class_that_would_end_the_release_is_named(
    value: str, release: Release | None, told: str | None
) -> None:
    found = _check(_storage_class(value), release=release)

    if told is None:
        assert found == []
    else:
        assert [one.path for one in found] == ["storage.s3.storageClass"]
        assert told in found[0].message


def test_a_value_out_of_the_drivers_bounds_is_named() -> None:
    (found,) = _check(Option("storage.s3.chunkSize", "chunksize", 1))

    assert (found.path, found.reason) == ("storage.s3.chunkSize", "ValueInvalid")


def test_what_is_said_twice_names_both_places_even_where_both_say_the_same() -> None:
    (found,) = _check(_CHUNKS, extra={"storage": {"s3": {"chunksize": 5 << 20}}})

    assert (found.path, found.reason) == ("storage.s3.chunkSize", "SetTwice")
    assert "spec.config.storage.s3.chunksize" in found.message
    assert "remove one of the two" in found.message


@pytest.mark.parametrize("extra", [{}, {"a": 1}, {"a": {"b": {}}}, {"a": ["b"]}])
def test_a_path_is_set_only_where_all_of_it_is_there(extra: dict[str, Any]) -> None:
    assert not is_set(extra, "a.b.c")
    assert is_set({"a": {"b": {"c": None}}}, "a.b.c")
