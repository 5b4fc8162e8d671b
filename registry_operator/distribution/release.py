"""Releases of the registry: what an image's tag tells, and what is known to be wrong with each.

An image reference flows in, a `Release` flows out, or None when nothing can be told (`latest`, a
digest, a foreign scheme of tags): callers then do what works on every release. Tags may float (`3`,
`2.8`): such a Release stands for every release that it may be, and questions are answered for all
of them (`surely_before`, `surely_since`).

Sources: the project's releases and security advisories, state of 2026-11; each defect carries its
id.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from registry_operator.distribution.finding import Finding, Severity
from registry_operator.distribution.image import ImageReference

Version = tuple[int, int, int]
Family = Literal["2.8", "3.x"]

RECOMMENDED: Final = "3.1.2"
UNSUPPORTED_REASON: Final = "ReleaseUnsupported"
OUTDATED_REASON: Final = "ReleaseOutdated"

_ANY = 1 << 30
_FINAL = 3
_STAGES: Mapping[str, int] = MappingProxyType({"alpha": 0, "beta": 1, "rc": 2})
_TAG = re.compile(
    r"v?(?P<major>[23])(?:[.](?P<minor>[0-9]{1,4})(?:[.](?P<patch>[0-9]{1,4}))?)?"
    r"(?:-?(?P<pre>(?:alpha|beta|rc)[.]?[0-9]*))?(?:[-_+].*)?"
)


@dataclass(frozen=True, slots=True)
class Release:
    """A release; absent numbers mean "any", as in the tags `3` and `2.8`."""

    major: int
    minor: int | None = None
    patch: int | None = None
    prerelease: str | None = None

    def __str__(self) -> str:
        numbers = (self.major, self.minor, self.patch)
        told = ".".join(str(number) for number in numbers if number is not None)

        return f"{told}-{self.prerelease}" if self.prerelease else told

    @property
    def family(self) -> Family:
        """Which shape of configuration it reads."""
        return "3.x" if self.major >= 3 else "2.8"

    def surely_before(self, version: Version) -> bool:
        """Whether every release that this may be is older than `version`."""
        return (self.major, *(_ANY if n is None else n for n in (self.minor, self.patch))) < version

    def surely_since(self, version: Version) -> bool:
        """Whether every release that this may be is `version` or newer."""
        return (self.major, self.minor or 0, self.patch or 0) >= version

    def surely_older(self, other: "Release") -> bool:
        """Whether every release that this may be is older than every one that `other` may be."""
        return _order(self, absent=_ANY) < _order(other, absent=0)


def _order(release: Release, *, absent: int) -> tuple[int, int, int, tuple[int, int]]:
    """What releases are ordered by; a number that the tag leaves open is taken for `absent`."""
    minor, patch = (absent if n is None else n for n in (release.minor, release.patch))
    if release.prerelease is None:
        return release.major, minor, patch, (_FINAL, 0)

    stage = release.prerelease.rstrip(".0123456789")
    number = release.prerelease.removeprefix(stage).lstrip(".")
    return release.major, minor, patch, (_STAGES[stage], int(number or 0))


def release_of(image: str) -> Release | None:
    """The release that the tag of `image` tells, or None; raises ImageReferenceError."""
    tag = ImageReference.parse(image).tag
    return release_of_tag(tag) if tag is not None else None


def release_of_tag(tag: str) -> Release | None:
    """The release that a tag tells, or the program's own word of its version."""
    match = _TAG.fullmatch(tag)
    if match is None:
        return None

    minor, patch = match["minor"], match["patch"]
    return Release(
        major=int(match["major"]),
        minor=None if minor is None else int(minor),
        patch=None if patch is None else int(patch),
        prerelease=match["pre"],
    )


@dataclass(frozen=True, slots=True)
class Defect:
    """A known defect: from `first` on, until `fixed` (None: never in that major version).

    `when` is empty when every installation has it, else what must be in use.
    """

    id: str
    summary: str
    first: Version
    fixed: Version | None
    when: str = ""

    def affects(self, release: Release) -> bool:
        """Whether every release that `release` may be has the defect."""
        if not release.surely_since(self.first):
            return False

        if self.fixed is None:
            return release.major == self.first[0]

        return release.surely_before(self.fixed)


_2, _3 = (2, 0, 0), (3, 0, 0)
DEFECTS: Final = (
    Defect("CVE-2017-11468", "memory exhausted by a manifest upload", _2, (2, 6, 2)),
    Defect("CVE-2021-41190", "manifest type confusion", _2, (2, 8, 0)),
    Defect("CVE-2023-2253", "memory exhausted by a catalog request", _2, (2, 8, 2)),
    Defect("CVE-2026-33540", "upstream credentials sent to any realm", _2, None, "proxy"),
    Defect("CVE-2026-33540", "upstream credentials sent to any realm", _3, (3, 1, 0), "proxy"),
    Defect("CVE-2026-35172", "a deleted blob is readable again", _2, None, "redis"),
    Defect("CVE-2026-35172", "a deleted blob is readable again", _3, (3, 1, 0), "redis"),
    Defect("CVE-2026-41888", "tags are deleted although deletion is off", _3, (3, 1, 1)),
    Defect("CVE-2026-85747", "digests of fetched content are not verified", _2, None, "proxy"),
    Defect("CVE-2026-85747", "digests of fetched content are not verified", _3, (3, 1, 2), "proxy"),
    Defect("CVE-2023-44487", "HTTP/2 rapid reset", _2, None, "tls"),
    Defect("stale-put", "a manifest that was collected can't be pushed again", _2, None, "redis"),
    Defect(
        "stale-put", "a manifest that was collected can't be pushed again", _3, (3, 1, 2), "redis"
    ),
    Defect("ec-keys", "tokens that name an EC key are refused", _3, (3, 1, 0), "token"),
    Defect("in-place", "a crash leaves files half written", _3, (3, 1, 0), "filesystem"),
    Defect("cached-tags", "tag lists of a cache fail", (3, 1, 0), (3, 1, 1), "proxy"),
    Defect("#4713", "the upload purger crashes on folder markers", _2, None, "s3"),
    Defect(
        "tags-prefix", "tag lists lack tags that extend another's name", (3, 1, 0), (3, 1, 2), "s3"
    ),
    Defect(
        "catalog-prefix",
        "the catalog lacks repositories that extend another's name",
        _3,
        (3, 1, 2),
        "s3",
    ),
)
"""What is known to be wrong, by release."""


def defects_of(release: Release) -> tuple[Defect, ...]:
    """The known defects of a release, in the order of the table."""
    return tuple(defect for defect in DEFECTS if defect.affects(release))


def recommendation(release: Release) -> Finding | None:
    """What to tell about running `release`: nothing, a warning, or that it is not supported."""
    if release.surely_before((2, 8, 2)):
        return _advice(release, UNSUPPORTED_REASON, "is too old to be served safely")

    if release.prerelease is not None and release.surely_before((3, 0, 1)):
        return _advice(release, UNSUPPORTED_REASON, "is not a final release")

    if release.family == "2.8":
        return _advice(release, OUTDATED_REASON, "gets no more fixes")

    if release.surely_before((3, 1, 1)):
        return _advice(release, OUTDATED_REASON, "has known defects")

    return None


def _advice(release: Release, reason: str, what: str) -> Finding:
    known = list(dict.fromkeys(defect.id for defect in defects_of(release) if not defect.when))
    told = f" ({', '.join(known)})" if known else ""

    return Finding(
        path="image",
        reason=reason,
        message=f"release {release} {what}{told}: use {RECOMMENDED}",
        severity=Severity.ERROR if reason == UNSUPPORTED_REASON else Severity.WARNING,
    )
