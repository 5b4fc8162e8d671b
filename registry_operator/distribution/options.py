"""Fields that become parameters of a storage driver, checked against the release that reads them.

What was said in fields, in the driver's words, flows in together with the user's own configuration;
out flow findings whose paths are those of the fields. Two ways to say one thing are a finding even
where both say the same: which of them counts must not be a riddle.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from registry_operator.distribution import passthrough
from registry_operator.distribution.finding import Finding
from registry_operator.distribution.release import Release

TWICE_REASON = "SetTwice"
UNSUPPORTED_REASON = "FieldUnsupported"


@dataclass(frozen=True, slots=True)
class Option:
    """A field that was set: its path in the specification, the driver's key and value."""

    path: str
    key: str
    value: bool | int | str


def check(
    options: tuple[Option, ...],
    *,
    driver: str,
    extra: Mapping[str, Any],
    release: Release | None,
) -> list[Finding]:
    """What of the fields the release does not know, or is said a second time in `extra`."""
    paths = {f"storage.{driver}.{option.key}": option.path for option in options}
    told = {"storage": {driver: {option.key: option.value for option in options}}}

    return [
        *(_of_field(found, paths) for found in passthrough.check(told, release, driver=driver)),
        *(twice(path, key) for key, path in sorted(paths.items()) if is_set(extra, key)),
    ]


def twice(path: str, key: str) -> Finding:
    """A field and a key of spec.config that say the same thing."""
    return Finding(
        path, TWICE_REASON, f"is set in spec.config.{key} as well: remove one of the two"
    )


def _of_field(found: Finding, paths: Mapping[str, str]) -> Finding:
    unknown = found.reason == passthrough.UNKNOWN_REASON
    reason = UNSUPPORTED_REASON if unknown else found.reason

    return replace(found, path=paths[found.path], reason=reason)


def is_set(extra: Mapping[str, Any], path: str) -> bool:
    """Whether the user's own configuration says something at a dotted path."""
    below: object = extra
    for part in path.split("."):
        if not isinstance(below, Mapping) or part not in below:
            return False

        below = below[part]

    return True
