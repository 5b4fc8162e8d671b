"""Whether an installation may be moved from one release to another, and what the move changes.

Two releases, what is in use and the whole configuration for the target flow in; findings flow out:
an ERROR says that the move is refused unless the user allows any, a WARNING is told and goes on.
Only what is about the move is said here: keys and values that the target does not know are found by
passthrough.py, releases that are not to be run at all by `release.recommendation`.

Facts: every release reads the storage of every other, and uploads that were begun on one end on
another, so 2.8 goes to any 3.x at once. Back is another matter: within a minor release only fixes
are lost, which is told; across one, nobody made the older to follow the newer, and it is refused. A
tag that floats is taken for the newest release that it may be, so that `3.1.2` to `3` is no way
back. A roll-back asks nobody: the release that it goes back to has just served. Pure.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from registry_operator.distribution.exposure import Configuration, Use, exposures
from registry_operator.distribution.finding import Finding, Severity
from registry_operator.distribution.release import RECOMMENDED, Release, Version

DOWNGRADE_REASON = "DowngradeRefused"
OLDER_REASON = "ReleaseOlder"
PATH_REASON = "PathUnsupported"
UNKNOWN_REASON = "ReleaseUnknown"
NOT_FINAL_REASON = "ReleaseNotFinal"
DEFECT_REFUSED_REASON = "DefectRefused"
DEFECT_REASON = "DefectKnown"
SCHEMA_1_REASON = "ManifestsOutdated"
METRICS_REASON = "MetricsRenamed"
TOKENS_REASON = "TokenKeysChanged"

_OLDEST: Version = (2, 8, 0)
_UNHEARD_OF: Version = (3, 2, 0)
_AZURE_BLOBS: Version = (3, 1, 2)
_ANY_WAY = "or set spec.upgrade.policy to Any"


@dataclass(frozen=True, slots=True)
class Move:
    """From one release to another; None: nothing tells which it is."""

    from_: Release | None
    to: Release | None


def judge(move: Move, *, uses: Collection[str], configuration: Configuration) -> list[Finding]:
    """What is to be said of a move, refusals first; a first installation is no move."""
    said = [*_unknown(move), *_path(move, uses), *_changes(move, uses)]
    if move.to is not None:
        said.extend(_defects(move.to, uses, configuration))

    return sorted(said, key=lambda finding: finding.severity is not Severity.ERROR)


def _unknown(move: Move) -> Iterator[Finding]:
    """What can't be judged, as one side is not known."""
    if move.to is None:
        yield _warning(
            UNKNOWN_REASON,
            "the release of the new image is not known, nor whether the move is supported: use a "
            f"tag such as {RECOMMENDED}",
        )
        return

    if move.from_ is None:
        yield _warning(
            UNKNOWN_REASON,
            f"the release that runs is not known, nor whether the move to {move.to} is supported",
        )

    if move.to != move.from_ and move.to.surely_since(_UNHEARD_OF):
        yield _warning(
            UNKNOWN_REASON,
            f"release {move.to} is newer than those that this operator knows: see its notes for "
            "what the move changes",
        )

    if move.to != move.from_ and move.to.prerelease is not None:
        yield _warning(NOT_FINAL_REASON, f"release {move.to} is not a final one")


def _path(move: Move, uses: Collection[str]) -> Iterator[Finding]:
    """Whether there is a way from one to the other."""
    if move.from_ is None or move.to is None:
        return

    if move.to.surely_older(move.from_):
        yield _way_back(move.from_, move.to, uses)
    elif move.from_.surely_before(_OLDEST) and move.to.family == "3.x":
        yield _refusal(
            PATH_REASON,
            f"{move.from_} to {move.to} is no known way: go to 2.8.3 first, {_ANY_WAY}",
        )


def _way_back(from_: Release, to: Release, uses: Collection[str]) -> Finding:
    older = f"release {to} is older than {from_}"
    if to.family != from_.family:
        return _refusal(
            DOWNGRADE_REASON,
            f"{older}: 2.8 gets no more fixes, and destroys images for several platforms when it "
            f"collects untagged ones; stay on {from_}, {_ANY_WAY}",
        )

    if to.surely_before((from_.major, from_.minor or 0, 0)):
        return _refusal(
            DOWNGRADE_REASON,
            f"{older} by a minor release, which was not made to follow a newer one and lacks its "
            f"fixes; stay on {from_}, {_ANY_WAY}",
        )

    if Use.AZURE in uses and from_.surely_since(_AZURE_BLOBS) and to.surely_before(_AZURE_BLOBS):
        return _refusal(
            DOWNGRADE_REASON,
            f"{older}: 3.1.2 writes other blobs to Azure, and nobody has tried whether it reads "
            f"them; stay on {from_}, {_ANY_WAY}",
        )

    return _warning(OLDER_REASON, f"{older}: what was fixed since is lost")


def _changes(move: Move, uses: Collection[str]) -> Iterator[Finding]:
    """What the user's clients and tools notice between 2.8 and 3.x."""
    if move.from_ is None or move.to is None or move.from_.family == move.to.family:
        return

    if move.to.family == "3.x":
        yield _warning(
            SCHEMA_1_REASON,
            "manifests of schema 1 can't be pulled from 3.x, and stop its garbage collection: look "
            "for them before, and push those images again with a current client",
        )

    yield _warning(
        METRICS_REASON,
        "registry_storage_cache_total of 2.8 is registry_storage_cache_requests_total, _hits_total "
        "and _errors_total in 3.x: adapt dashboards and alerts",
    )
    if Use.TOKEN_AUTH in uses:
        yield _warning(
            TOKENS_REASON,
            "2.8 knows the key of a token by libtrust's fingerprint, 3.x by its thumbprint (RFC "
            "7638): tokens that carry the certificate in x5c, and one audience as text, hold on "
            "both",
        )


def _defects(to: Release, uses: Collection[str], configuration: Configuration) -> Iterator[Finding]:
    for met in exposures(to, uses=uses, configuration=configuration):
        told = f"release {to} has {met.defect.id}: {met.defect.summary}"
        if met.refused:
            yield _refusal(DEFECT_REFUSED_REASON, f"{told}; use {RECOMMENDED}, {_ANY_WAY}")
        else:
            yield _warning(DEFECT_REASON, told)


def _refusal(reason: str, message: str) -> Finding:
    return Finding("image", reason, message, Severity.ERROR)


def _warning(reason: str, message: str) -> Finding:
    return Finding("image", reason, message, Severity.WARNING)
