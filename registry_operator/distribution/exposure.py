"""What an installation uses of the registry, and which known defects it is exposed to by that.

A whole configuration, as the registry reads it, flows in; out flow the features in use, and for a
release the defects that can be met with it, each with whether it is a reason not to go there. A
defect that the configuration avoids (a purger that is off, credentials that are not there) is not
told, nor one that every installation has, as `release.recommendation` tells it. Pure.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from registry_operator.distribution.release import Defect, Release, defects_of

Configuration = Mapping[str, Any]


class Use(StrEnum):
    """What an installation may use; the words of `Defect.when`."""

    FILESYSTEM = "filesystem"
    S3 = "s3"
    GCS = "gcs"
    AZURE = "azure"
    REDIS = "redis"
    PROXY = "proxy"
    TLS = "tls"
    TOKEN_AUTH = "token"  # noqa: S105 -- a word of the configuration
    HTPASSWD = "htpasswd"


_PATHS: Mapping[Use, tuple[str, ...]] = MappingProxyType(
    {
        Use.FILESYSTEM: ("storage.filesystem",),
        Use.S3: ("storage.s3", "storage.s3aws"),
        Use.GCS: ("storage.gcs",),
        Use.AZURE: ("storage.azure",),
        Use.REDIS: ("redis",),
        Use.PROXY: ("proxy.remoteurl",),
        Use.TLS: ("http.tls",),
        Use.TOKEN_AUTH: ("auth.token",),
        Use.HTPASSWD: ("auth.htpasswd",),
    }
)


def uses_of(configuration: Configuration) -> frozenset[Use]:
    """What a whole configuration makes use of."""
    return frozenset(
        use
        for use, paths in _PATHS.items()
        if any(_at(configuration, path) is not None for path in paths)
    )


@dataclass(frozen=True, slots=True)
class Exposure:
    """A defect that an installation meets; `refused`: it is not to be moved there for it."""

    defect: Defect
    refused: bool


def exposures(
    release: Release, *, uses: Collection[str], configuration: Configuration
) -> Iterator[Exposure]:
    """The known defects of `release` that this installation meets, in the order of the table."""
    for defect in defects_of(release):
        is_met = _MET.get(defect.id, _always)
        if defect.when in uses and is_met(configuration):
            # 2.8 has them for ever, and stays allowed with a warning.
            refused = defect.id in _REFUSED and defect.fixed is not None
            yield Exposure(defect, refused=refused)


def _has_credentials(configuration: Configuration) -> bool:
    proxy = _at(configuration, "proxy")
    return isinstance(proxy, Mapping) and bool(proxy.get("username") or proxy.get("exec"))


def _deletes(configuration: Configuration) -> bool:
    return _at(configuration, "storage.delete.enabled") is True


def _purges(configuration: Configuration) -> bool:
    return _at(configuration, "storage.maintenance.uploadpurging.enabled") is not False


def _speaks_http2(configuration: Configuration) -> bool:
    return _at(configuration, "http.http2.disabled") is not True


def _always(_configuration: Configuration) -> bool:
    return True


_MET: Mapping[str, Callable[[Configuration], bool]] = MappingProxyType(
    {
        "CVE-2023-44487": _speaks_http2,
        "CVE-2026-33540": _has_credentials,
        "CVE-2026-35172": _deletes,
        "#4713": _purges,
    }
)
"""Whether a configuration meets a defect, by its id: what else than a use it takes."""
_REFUSED = frozenset({"CVE-2026-33540", "CVE-2026-35172"})


def _at(configuration: Configuration, path: str) -> object:
    """What stands at a dotted path, None when nothing does."""
    below: object = configuration
    for part in path.split("."):
        below = below.get(part) if isinstance(below, Mapping) else None

    return below
