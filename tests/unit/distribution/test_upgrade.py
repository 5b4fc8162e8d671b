"""Which moves between releases are allowed, and what is told of them."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.registry.reasons import TABLE
from registry_operator.distribution import passthrough
from registry_operator.distribution.configuration import Settings, render
from registry_operator.distribution.drivers import AzureStorage, FilesystemStorage, S3Storage
from registry_operator.distribution.exposure import Use, uses_of
from registry_operator.distribution.finding import Finding, Severity
from registry_operator.distribution.release import DEFECTS, RECOMMENDED, Release, release_of
from registry_operator.distribution.upgrade import Move, judge

releases = st.builds(
    Release,
    major=st.sampled_from([2, 3]),
    minor=st.none() | st.integers(0, 12),
    patch=st.none() | st.integers(0, 4),
    prerelease=st.none() | st.sampled_from(["alpha", "beta.1", "rc.2", "rc3", "rc"]),
)
ALL = tuple(Use)
FILES = render(Settings(storage=FilesystemStorage("/data")), release=None)
CACHE = {"proxy": {"remoteurl": "https://example.com"}}
MIRROR = {"proxy": {"remoteurl": "https://example.com", "username": "me", "password": "secret"}}
DELETING: Mapping[str, Any] = {"storage": {"delete": {"enabled": True}}}


def said(
    from_: str, to: str, *uses: Use, configuration: Mapping[str, Any] | None = None
) -> list[Finding]:
    """What is said of a move between two tags."""
    move = Move(release_of(f"registry:{from_}"), release_of(f"registry:{to}"))
    return judge(move, uses=uses, configuration=configuration or {})


def told(found: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.severity.value, finding.reason) for finding in found]


@pytest.mark.parametrize(
    ("from_", "to"),
    [
        ("2.8.2", "2.8.3"),
        ("3.0.0", "3.1.2"),
        ("3.1.1", "3.1.2"),
        ("3.1.2", "3.1.3"),
        ("3.0.0-rc.4", "3.0.0"),
        ("2.7.1", "2.8.3"),
        ("3", "3.1.2"),
        ("3.1.2", "3"),
        ("3.1", "3.1.0"),
        ("2", "2.8"),
    ],
)
def test_the_way_forward_within_a_major_release_has_nothing_to_tell(from_: str, to: str) -> None:
    assert said(from_, to) == []


@pytest.mark.parametrize("from_", ["2", "2.8", "2.8.2", "2.8.3"])
@pytest.mark.parametrize("to", ["3", "3.0.0", "3.1", "3.1.2"])
def test_every_2_8_goes_to_every_3_at_once_and_is_told_what_changes(from_: str, to: str) -> None:
    assert told(said(from_, to)) == [
        ("warning", "ManifestsOutdated"),
        ("warning", "MetricsRenamed"),
    ]


@pytest.mark.parametrize("from_", ["2.7.1", "2.6", "2.0.0"])
def test_what_is_older_than_2_8_goes_by_2_8(from_: str) -> None:
    (refused, *_) = said(from_, "3.1.2")

    assert (refused.severity, refused.reason) == (Severity.ERROR, "PathUnsupported")
    assert "2.8.3 first" in refused.message


@pytest.mark.parametrize(
    ("from_", "to"), [("3.1.2", "2.8.3"), ("3", "2"), ("3.0.0", "2.8"), ("3.0.0-rc.1", "2.8.3")]
)
def test_the_way_back_to_2_8_is_refused(from_: str, to: str) -> None:
    refused = said(from_, to)[0]

    assert (refused.severity, refused.reason) == (Severity.ERROR, "DowngradeRefused")
    assert "no more fixes" in refused.message
    assert refused.message.endswith("or set spec.upgrade.policy to Any")


@pytest.mark.parametrize(("from_", "to"), [("3.1.2", "3.0.0"), ("3.1", "3.0"), ("2.8.3", "2.7.1")])
def test_the_way_back_over_a_minor_release_is_refused(from_: str, to: str) -> None:
    assert told(said(from_, to)) == [("error", "DowngradeRefused")]


@pytest.mark.parametrize(("from_", "to"), [("3.1.2", "3.1.1"), ("3.1.0", "3.1.0-rc.1")])
def test_the_way_back_within_a_minor_release_is_told_and_taken(from_: str, to: str) -> None:
    assert ("warning", "ReleaseOlder") in told(said(from_, to))
    assert not [found for found in said(from_, to) if found.severity is Severity.ERROR]


def test_but_not_where_older_releases_may_not_read_what_newer_ones_wrote() -> None:
    assert told(said("3.1.2", "3.1.1", Use.AZURE)) == [("error", "DowngradeRefused")]
    assert told(said("3.1.1", "3.1.0", Use.AZURE)) == [("warning", "ReleaseOlder")]


@pytest.mark.parametrize(("from_", "to"), [("latest", "3.1.2"), ("3.1.2", "edge"), ("a", "b")])
def test_what_is_unknown_is_told_and_goes_on(from_: str, to: str) -> None:
    assert told(said(from_, to)) == [("warning", "ReleaseUnknown")]


@pytest.mark.parametrize("to", ["3.2.0", "3.2", "3.14.1"])
def test_a_release_that_came_later_is_told(to: str) -> None:
    assert told(said("3.1.2", to)) == [("warning", "ReleaseUnknown")]


def test_a_release_that_is_not_final_is_told() -> None:
    assert told(said("3.1.2", "3.1.3-rc.1")) == [("warning", "ReleaseNotFinal")]


def test_keys_of_tokens_are_told_both_ways_where_tokens_are_used() -> None:
    assert ("warning", "TokenKeysChanged") in told(said("2.8.3", "3.1.2", Use.TOKEN_AUTH))
    assert ("warning", "TokenKeysChanged") in told(said("3.1.2", "2.8.3", Use.TOKEN_AUTH))
    assert told(said("3.0.0", "3.1.2", Use.TOKEN_AUTH)) == []


@pytest.mark.parametrize(
    ("to", "configuration", "expected"),
    [
        ("3.0.0", MIRROR, [("error", "DefectRefused"), ("warning", "DefectKnown")]),
        ("3.0.0", CACHE, [("warning", "DefectKnown")]),
        ("3.1.0", MIRROR, [("warning", "DefectKnown")] * 2),
        ("3.1.2", MIRROR, []),
        (
            "3.0.0",
            {**DELETING, "redis": {}},
            [("error", "DefectRefused"), ("warning", "DefectKnown")],
        ),
        ("3.0.0", {"redis": {}}, [("warning", "DefectKnown")]),
        ("3.1.2", {**DELETING, "redis": {}}, []),
        ("2.8.3", {**DELETING, "redis": {}}, [("warning", "DefectKnown")] * 2),
        ("2.8.3", {"http": {"tls": {}}}, [("warning", "DefectKnown")]),
        ("2.8.3", {"http": {"tls": {}, "http2": {"disabled": True}}}, []),
    ],
)
def test_a_defect_is_told_where_it_is_met_and_refused_where_it_gives_something_away(
    to: str, configuration: Mapping[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = said(to, to, *uses_of(configuration), configuration=configuration)

    assert told(found) == expected
    assert "secret" not in str(found).replace("secrets", "")


def test_a_defect_that_the_rendered_configuration_avoids_is_not_told() -> None:
    storage, release = S3Storage(bucket="images"), Release(2, 8, 3)
    rendered = render(Settings(storage=storage), release=release)
    purging = passthrough.merge(
        rendered, {"storage": {"maintenance": {"uploadpurging": {"enabled": True}}}}
    )

    assert uses_of(rendered) == {Use.S3}
    assert said("2.8.3", "2.8.3", Use.S3, configuration=rendered) == []
    assert "#4713" in said("2.8.3", "2.8.3", Use.S3, configuration=purging)[0].message


def test_what_is_used_is_read_off_the_configuration() -> None:
    azure = render(Settings(storage=AzureStorage(account="a", container="c")), release=None)

    assert uses_of(FILES) == {Use.FILESYSTEM}
    assert uses_of({**azure, "auth": {"htpasswd": {}}}) == {Use.AZURE, Use.HTPASSWD}
    assert uses_of({"proxy": {"remoteurl": None}, "storage": None}) == frozenset()


def test_every_defect_that_depends_on_a_use_names_one() -> None:
    assert {defect.when for defect in DEFECTS if defect.when} <= set(Use)


def test_to_the_recommended_release_nothing_stands_against_anybody() -> None:
    for from_ in ("2.8.3", "3.0.0", "3.1.1", "latest"):
        found = said(from_, RECOMMENDED, *ALL, configuration={**MIRROR, **DELETING})
        assert not [one for one in found if one.severity is Severity.ERROR]


def test_refusals_are_said_first() -> None:
    severities = [
        found.severity for found in said("3.1.2", "2.8.3", *ALL, configuration={**MIRROR})
    ]

    assert severities == sorted(severities, key=lambda one: one is not Severity.ERROR)


@given(releases, st.sampled_from([FILES, MIRROR, {**DELETING, "redis": {}}]))
def test_staying_on_a_release_is_no_way_anywhere(
    release: Release, configuration: Mapping[str, Any]
) -> None:
    found = judge(Move(release, release), uses=ALL, configuration=configuration)

    assert {one.reason for one in found} <= {"DefectKnown", "DefectRefused"}


@given(st.none() | releases, st.none() | releases, st.sets(st.sampled_from(ALL)))
def test_every_move_is_judged_in_words_of_the_table(
    from_: Release | None, to: Release | None, uses: set[Use]
) -> None:
    for found in judge(Move(from_, to), uses=uses, configuration={}):
        assert found.reason in TABLE
        assert TABLE[found.reason].stalls is (found.severity is Severity.ERROR)
        assert found.path == "image"


@given(releases, releases)
def test_of_two_releases_at_most_one_is_surely_older(one: Release, other: Release) -> None:
    assert not (one.surely_older(other) and other.surely_older(one))


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("3.0.0-alpha.1", "3.0.0-beta.1"),
        ("3.0.0-rc.2", "3.0.0-rc.10"),
        ("3.0.0-rc.4", "3.0.0"),
        ("2.8.3", "3.0.0-alpha"),
        ("2", "3"),
        ("3.0", "3.1"),
    ],
)
def test_releases_have_an_order(older: str, newer: str) -> None:
    one, other = release_of(f"registry:{older}"), release_of(f"registry:{newer}")
    assert one is not None
    assert other is not None

    assert one.surely_older(other)
    assert not other.surely_older(one)


BREAKS_3: Mapping[str, Any] = {
    "storage.oss": {"bucket": "b"},
    "storage.swift": {"container": "c"},
    "http.tls": {"minimumtls": "tls1.0"},
    "http.tls.ciphersuites": ["TLS_RSA_WITH_RC4_128_SHA"],
    "http.tls.letsencrypt": {"cachefile": "/cache"},
    "redis": {"addr": "redis:6379"},
    "compatibility": {"schema1": {"enabled": True}},
    "reporting.bugsnag": {"apikey": "k"},
    "reporting.newrelic": {"licensekey": "k"},
    "storage.azure": {"accountname": "a"},
    "tags.maxtags": -1,
    "storage.tag.concurrencylimit": -1,
    "storage.redirect.disable": "true",
}
BREAKS_2: Mapping[str, Any] = {
    "storage.tag": {"concurrencylimit": 1},
    "redis": {"addrs": ["redis:6379"]},
    "tags.maxtags": 5,
    "proxy": {"ttl": "0s"},
    "http.h2c.enabled": True,
}


@pytest.mark.parametrize(
    ("path", "value", "release"),
    [
        *((path, value, Release(3, 1, 2)) for path, value in BREAKS_3.items()),
        *((path, value, Release(2, 8, 3)) for path, value in BREAKS_2.items()),
    ],
)
def test_what_breaks_at_the_target_is_found_by_the_check_of_the_configuration(
    path: str, value: object, release: Release
) -> None:
    for name in reversed(path.split(".")):
        value = {name: value}
    assert isinstance(value, dict)

    assert passthrough.check(value, release)
