"""What a tag tells about the release, and what is known of releases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_operator.distribution.finding import Severity
from registry_operator.distribution.release import (
    DEFECTS,
    RECOMMENDED,
    Release,
    defects_of,
    recommendation,
    release_of,
)

releases = st.builds(
    Release, major=st.sampled_from([2, 3]), minor=st.integers(0, 20), patch=st.integers(0, 20)
)


@pytest.mark.parametrize(
    ("image", "release"),
    [
        ("registry:2", Release(2)),
        ("registry:2.8", Release(2, 8)),
        ("registry:2.8.3", Release(2, 8, 3)),
        ("registry:3", Release(3)),
        ("registry:3.1.2", Release(3, 1, 2)),
        ("registry:v3.0.0", Release(3, 0, 0)),
        ("registry:3.1.2-alpine", Release(3, 1, 2)),
        ("registry:2-alpine3.20", Release(2)),
        ("registry:3.1.2_build.5", Release(3, 1, 2)),
        ("registry:v3.0.0-rc.1", Release(3, 0, 0, "rc.1")),
        ("registry:3.0.0-beta.1-alpine", Release(3, 0, 0, "beta.1")),
        ("example.com:5000/team/registry:3", Release(3)),
        (f"registry:3.1.2@sha256:{'a' * 64}", Release(3, 1, 2)),
    ],
)
def test_the_tag_tells_the_release(image: str, release: Release) -> None:
    assert release_of(image) == release


@pytest.mark.parametrize(
    "image",
    [
        "registry",
        "registry:latest",
        "registry:edge",
        "registry:20240101",
        "registry:2024.1",
        "registry:4",
        "registry:1.0",
        "registry:3a",
        "registry:sha-3f2a",
        f"registry@sha256:{'a' * 64}",
    ],
)
def test_other_tags_tell_nothing(image: str) -> None:
    assert release_of(image) is None


@given(releases)
def test_a_release_is_told_by_its_own_text(release: Release) -> None:
    assert release_of(f"registry:{release}") == release


@given(releases, releases)
def test_a_full_release_is_before_another_or_since_it(one: Release, other: Release) -> None:
    version = (other.major, other.minor or 0, other.patch or 0)

    assert one.surely_before(version) is not one.surely_since(version)


def test_a_floating_tag_is_sure_only_of_what_holds_for_all_it_may_be() -> None:
    floating = Release(3)

    assert floating.surely_since((3, 0, 0))
    assert not floating.surely_since((3, 1, 0))
    assert not floating.surely_before((3, 1, 0))
    assert Release(3, 0).surely_before((3, 1, 0))


def test_the_family_is_that_of_the_configuration() -> None:
    assert Release(2, 7, 1).family == "2.8"
    assert Release(3).family == "3.x"


@pytest.mark.parametrize("text", ["registry:3.1.2", "registry:3.1.1", "registry:3.1", "registry:3"])
def test_current_releases_need_no_advice(text: str) -> None:
    release = release_of(text)

    assert release is not None
    assert recommendation(release) is None


@pytest.mark.parametrize(
    ("release", "severity", "told"),
    [
        (Release(2, 8, 1), Severity.ERROR, "too old"),
        (Release(2, 6), Severity.ERROR, "too old"),
        (Release(3, 0, 0, "rc.1"), Severity.ERROR, "not a final release"),
        (Release(2), Severity.WARNING, "no more fixes"),
        (Release(2, 8, 3), Severity.WARNING, "no more fixes"),
        (Release(3, 0, 0), Severity.WARNING, "CVE-2026-41888"),
        (Release(3, 1, 0), Severity.WARNING, "CVE-2026-41888"),
    ],
)
def test_other_releases_get_a_reason_and_a_better_one(
    release: Release, severity: Severity, told: str
) -> None:
    advice = recommendation(release)

    assert advice is not None
    assert advice.severity is severity
    assert advice.path == "image"
    assert told in advice.message
    assert advice.message.endswith(f"use {RECOMMENDED}")


def test_the_recommended_release_has_no_known_defect() -> None:
    release = release_of(f"registry:{RECOMMENDED}")

    assert release is not None
    assert defects_of(release) == ()


@pytest.mark.parametrize(
    ("release", "id_", "has"),
    [
        (Release(2, 8, 2), "CVE-2023-2253", False),
        (Release(2, 8, 1), "CVE-2023-2253", True),
        (Release(2, 8, 3), "CVE-2026-33540", True),
        (Release(3, 0, 0), "CVE-2026-33540", True),
        (Release(3, 1, 0), "CVE-2026-33540", False),
        (Release(2, 8, 3), "CVE-2026-41888", False),
        (Release(3, 1, 0), "tags-prefix", True),
        (Release(3, 0, 0), "tags-prefix", False),
        (Release(3), "CVE-2026-85747", False),
        (Release(2), "#4713", True),
    ],
)
def test_a_defect_is_known_from_its_first_to_its_fixed_release(
    release: Release, id_: str, *, has: bool
) -> None:
    assert (id_ in {defect.id for defect in defects_of(release)}) is has


def test_every_defect_ends_after_it_begins() -> None:
    assert all(defect.fixed is None or defect.first < defect.fixed for defect in DEFECTS)
