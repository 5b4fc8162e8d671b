"""The schema table holds together."""

from collections.abc import Iterator

from registry_operator.distribution.key import Key, Type
from registry_operator.distribution.schema import ROOT


def _all(key: Key, path: str = "") -> Iterator[tuple[str, Key]]:
    yield path, key
    for name, inner in key.keys.items():
        yield from _all(inner, f"{path}.{name}")

    if key.item is not None:
        yield from _all(key.item, f"{path}[]")


KEYS = dict(_all(ROOT))


def test_keys_are_written_as_the_registry_reads_them() -> None:
    names = [name for key in KEYS.values() for name in key.keys]
    odd = [name for name in names if not name.isalnum() or name != name.lower()]

    assert odd == ["max_retries", "retry_delay"]


def test_only_objects_have_keys_and_only_lists_and_maps_have_items() -> None:
    for path, key in KEYS.items():
        assert not key.keys or key.type is Type.OBJECT, path
        assert (key.item is not None) == (key.type in {Type.LIST, Type.MAP}), path


def test_what_is_required_is_a_key() -> None:
    for path, key in KEYS.items():
        assert set(key.required) <= key.keys.keys(), path


def test_a_key_that_stops_older_releases_says_which() -> None:
    fatal = {path: key.since for path, key in KEYS.items() if key.fatal_before}

    assert fatal == {".storage.tag": (3, 0, 0)}


def test_bounds_are_on_numbers_and_choices_on_strings() -> None:
    for path, key in KEYS.items():
        assert key.minimum is None or key.type is Type.INTEGER, path
        assert not key.values or key.type is Type.STRING, path
