"""The user's part of the configuration: what is refused, by which path, with which cure."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_operator.distribution.passthrough import (
    OWNED_REASON,
    UNKNOWN_REASON,
    VALUE_REASON,
    check,
    merge,
)
from registry_operator.distribution.release import Release

_OLD, _FIRST, _NEW = Release(2, 8, 3), Release(3, 0, 0), Release(3, 1, 2)

mappings = st.recursive(
    st.integers() | st.booleans() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
trees = st.dictionaries(st.sampled_from("abc"), mappings, max_size=3)


def _nested(path: str, value: object) -> dict[str, Any]:
    for name in reversed(path.split(".")):
        value = {name: value}

    assert isinstance(value, dict)
    return value


OWNED = {
    "version": "0.1",
    "loglevel": "debug",
    "storage.filesystem": {},
    "storage.inmemory": {},
    "storage.s3": {},
    "storage.s3aws": {},
    "storage.azure": {},
    "storage.gcs": {},
    "storage.oss": {},
    "storage.swift": {},
    "storage.cache": {"blobdescriptor": "redis"},
    "http.addr": ":80",
    "http.net": "unix",
    "http.secret": "x",
    "http.debug": {"addr": ":80"},
    "http.draintimeout": "1s",
    "http.tls": {"certificate": "x"},
    "auth": {"silly": {}},
    "middleware": {},
    "redis": {"addr": "x"},
    "proxy": {"remoteurl": "x"},
}


@pytest.mark.parametrize("release", [_OLD, _NEW, None])
@pytest.mark.parametrize("path", OWNED)
def test_what_the_operator_sets_is_refused_by_name(path: str, release: Release | None) -> None:
    (found,) = check(_nested(path, OWNED[path]), release)

    assert (found.path, found.reason) == (path, OWNED_REASON)
    assert "remove it" in found.message


@pytest.mark.parametrize(
    ("config", "path", "hint"),
    [
        ({"htpp": {}}, "htpp", "did you mean http?"),
        ({"HTTP": {}}, "HTTP", "did you mean http?"),
        ({"http": {"relativeURLs": True}}, "http.relativeURLs", "did you mean relativeurls?"),
        ({"http": {"relative_urls": True}}, "http.relative_urls", "did you mean relativeurls?"),
        ({"http": {"xyz": True}}, "http.xyz", ""),
        ({"health": {"tcp": [{"addr": "a", "wait": "1s"}]}}, "health.tcp[0].wait", ""),
    ],
)
def test_what_the_registry_would_drop_without_a_word_is_refused(
    config: dict[str, Any], path: str, hint: str
) -> None:
    (found,) = check(config, _NEW)

    assert (found.path, found.reason) == (path, UNKNOWN_REASON)
    assert found.message.endswith(hint)


def test_a_hint_never_leads_to_a_key_that_is_refused() -> None:
    (found,) = check({"http": {"draintimeut": "1s"}}, _NEW)

    assert "did you mean" not in found.message


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("log", None, "an object"),
        ("log.level", "trace", "error or warn or info or debug"),
        ("log.formatter", "xml", "text or json or logstash"),
        ("log.fields", [], "an object"),
        ("storage.delete.enabled", "true", "true or false, without quotes"),
        ("storage.redirect.disable", "true", "true or false, without quotes"),
        ("storage.redirect", True, "an object"),
        ("storage.maintenance.readonly", True, "an object"),
        ("storage.maintenance.uploadpurging.age", 60, "a duration in quotes"),
        ("storage.maintenance.uploadpurging.interval", "1d", "a duration in quotes"),
        ("storage.maintenance.uploadpurging.dryrun", "no", "true or false"),
        ("storage.tag.concurrencylimit", -1, "0 or more"),
        ("storage.tag.concurrencylimit", "4", "a whole number"),
        ("storage.tag.concurrencylimit", True, "a whole number"),
        ("log.fields.team", None, "anything but null"),
        ("http.headers", {"X": "y"}, "a list"),
        ("http.host", 5, "a string"),
        ("health.storagedriver.interval", 10, "a duration in quotes"),
        ("health.storagedriver.threshold", 0, "1 or more"),
        ("health.storagedriver.threshold", 1.5, "a whole number"),
        ("catalog.maxentries", "many", "a whole number"),
        ("tags.maxtags", -1, "0 or more"),
        ("validation.manifests.urls.allow", ["(?=x)"], "RE2"),
        ("validation.manifests.urls.deny", ["("], "RE2"),
        ("validation.manifests.urls.deny", ["(a)\\1"], "RE2"),
        ("validation.manifests.indexes.platforms", "some", "all or none or list"),
        ("notifications.endpoints", {}, "a list"),
    ],
)
def test_a_value_that_stops_the_registry_or_is_ignored_is_refused(
    path: str, value: object, message: str
) -> None:
    (found,) = check(_nested(path, value), _NEW)

    assert found.reason == VALUE_REASON
    assert found.path.startswith(path)
    assert message in found.message


@pytest.mark.parametrize("text", ["0", "1s", "1h30m", "1.5s", "100ms", "500us", "10ns", ".5m"])
def test_durations_are_those_of_go(text: str) -> None:
    assert check({"health": {"storagedriver": {"interval": text}}}, _NEW) == []


@pytest.mark.parametrize("text", ["", "1", "1 s", "-1s", "1d", "s", "PT1S"])
def test_other_durations_are_refused(text: str) -> None:
    (found,) = check({"health": {"storagedriver": {"interval": text}}}, _NEW)

    assert found.reason == VALUE_REASON


def test_a_missing_key_without_which_a_part_is_pointless_is_told() -> None:
    found = check({"notifications": {"endpoints": [{"timeout": "1s"}]}}, _NEW)

    assert [one.path for one in found] == [
        "notifications.endpoints[0].name",
        "notifications.endpoints[0].url",
    ]


@pytest.mark.parametrize(
    ("path", "value", "release", "accepted"),
    [
        ("storage.tag.concurrencylimit", 2, _OLD, False),
        ("storage.tag.concurrencylimit", 2, None, False),
        ("storage.tag.concurrencylimit", 2, _FIRST, True),
        ("tags.maxtags", 5, _OLD, False),
        ("tags.maxtags", 5, _FIRST, False),
        ("tags.maxtags", 5, Release(3), True),
        ("tags.maxtags", 5, _NEW, True),
        ("tags.maxtags", 5, None, True),
        ("http.h2c.enabled", True, _OLD, False),
        ("http.h2c.enabled", True, _FIRST, True),
        ("log.reportcaller", True, _OLD, False),
        ("validation.manifests.indexes.platforms", "none", _OLD, False),
        ("compatibility.schema1.enabled", True, _OLD, True),
        ("compatibility.schema1.enabled", True, _FIRST, False),
        ("compatibility.schema1.enabled", True, None, True),
        ("reporting.bugsnag.apikey", "k", _OLD, True),
        ("reporting.bugsnag.apikey", "k", _FIRST, False),
    ],
)
def test_a_key_is_taken_by_the_releases_that_have_it(
    path: str, value: object, release: Release | None, *, accepted: bool
) -> None:
    assert (check(_nested(path, value), release) == []) is accepted


def test_a_key_of_another_release_is_refused_with_both_releases_named() -> None:
    (found,) = check({"tags": {"maxtags": 5}}, _FIRST)

    assert "since release 3.1.0, and the image is 3.0.0" in found.message


def test_drivers_are_tuned_only_when_in_use_and_only_where_we_do_not_decide() -> None:
    config = {"storage": {"s3": {"encrypt": True, "chunksize": 10 << 20, "bucket": "other"}}}

    (in_use,) = check(config, _NEW, driver="s3")
    (elsewhere,) = check(config, _NEW, driver="filesystem")

    assert (in_use.path, in_use.reason) == ("storage.s3.bucket", OWNED_REASON)
    assert (elsewhere.path, elsewhere.reason) == ("storage.s3", OWNED_REASON)


def test_everything_is_told_at_once_and_in_a_fixed_order() -> None:
    one = {"version": "0.1", "log": {"level": "x"}, "http": {"addr": ":1", "a": 1}}
    other = {"http": {"a": 1, "addr": ":1"}, "log": {"level": "x"}, "version": "0.1"}

    paths = [found.path for found in check(one, _NEW)]

    assert paths == ["http.a", "http.addr", "log.level", "version"]
    assert check(one, _NEW) == check(other, _NEW)


def test_expressions_and_fields_of_ones_own_are_taken() -> None:
    config = {
        "log": {"fields": {"team": "a", "shard": 3, "tags": ["x"]}},
        "validation": {"manifests": {"urls": {"allow": ["^https?://([^/]+[.])?example[.]com/"]}}},
    }

    assert check(config, None) == []


def test_nothing_is_wrong_with_nothing() -> None:
    assert check({}, None) == []


@given(trees)
def test_merging_with_nothing_changes_nothing(tree: dict[str, Any]) -> None:
    assert merge(tree, {}) == tree
    assert merge({}, tree) == tree


@given(trees, trees)
def test_what_is_laid_over_wins_and_stays_when_laid_again(
    below: dict[str, Any], above: dict[str, Any]
) -> None:
    merged = merge(below, above)

    assert merge(merged, above) == merged
    assert merged.keys() == below.keys() | above.keys()


@given(trees, trees)
def test_merging_changes_neither_side(below: dict[str, Any], above: dict[str, Any]) -> None:
    before = (repr(below), repr(above))

    merge(below, above)

    assert (repr(below), repr(above)) == before


def test_lists_are_replaced_and_mappings_are_merged() -> None:
    assert merge({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}}) == {"a": {"b": 1, "c": [2]}}


@pytest.mark.parametrize(
    ("value", "release", "reason"),
    [
        ("standard", _OLD, None),
        ("GLACIER_IR", _FIRST, None),
        ("GLACIER_IR", _OLD, UNKNOWN_REASON),
        ("GLACIER_IR", None, UNKNOWN_REASON),
        ("COLD", _NEW, VALUE_REASON),
    ],
)
def test_a_storage_class_is_one_that_the_release_starts_with(
    value: str, release: Release | None, reason: str | None
) -> None:
    config = _nested("storage.s3.storageclass", value)

    assert [found.reason for found in check(config, release, driver="s3")] == (
        [] if reason is None else [reason]
    )


@pytest.mark.parametrize("key", ["chunksize", "multipartcopychunksize"])
def test_parts_of_an_upload_are_within_what_s3_takes(key: str) -> None:
    for size, told in ((1, ["must be 5242880 or more"]), (6 << 30, ["must be 5368709120 or less"])):
        found = check(_nested(f"storage.s3.{key}", size), _NEW, driver="s3")

        assert [one.message for one in found] == told
