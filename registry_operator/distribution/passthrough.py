"""`spec.config`: the user's part of the registry's configuration, checked before it is merged.

The user's mapping and the release flow in; out flow findings, all at once and in a fixed order,
each with path and cure. No findings means that the registry starts with it and that every key has
its effect: what the registry would drop without a word (a misspelt key, "true" in quotes, a key of
another release) is a finding too. schema.py is the table.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic_core import SchemaError, SchemaValidator, core_schema

from registry_operator.distribution.finding import Finding
from registry_operator.distribution.key import Key, Type
from registry_operator.distribution.release import Release, Version
from registry_operator.distribution.schema import ROOT

UNKNOWN_REASON = "KeyUnknown"
OWNED_REASON = "KeyOwned"
VALUE_REASON = "ValueInvalid"

_OTHER_DRIVER = "is not the storage driver in use: remove it, or change spec.storage"
_DURATION = re.compile(r"0|(?:(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)(?:ns|us|µs|ms|s|m|h))+")
_PYTHON_TYPES: Mapping[Type, type] = {
    Type.OBJECT: Mapping,
    Type.MAP: Mapping,
    Type.LIST: list,
    Type.STRING: str,
    Type.DURATION: str,
    Type.REGEXP: str,
    Type.INTEGER: int,
    Type.BOOLEAN: bool,
}


def check(
    config: Mapping[str, Any], release: Release | None, *, driver: str | None = None
) -> list[Finding]:
    """What is wrong with the user's part of the configuration, for the release that will read it.

    `driver` is the storage driver in use (`s3`, `filesystem`, …): its tuning keys are then allowed.
    """
    return list(_Check(release, driver).value(config, ROOT, path=""))


def merge(base: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `config` laid over it: mappings are merged key by key, all else replaces."""
    merged = {
        key: merge(value, {}) if isinstance(value, Mapping) else value
        for key, value in base.items()
    }
    for key, value in config.items():
        below = merged.get(key)
        if isinstance(value, Mapping):
            merged[key] = merge(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value

    return merged


class _Check:
    """One walk down the user's mapping, beside the schema."""

    def __init__(self, release: Release | None, driver: str | None) -> None:
        self._release = release
        self._driver = driver

    def value(self, value: object, key: Key, *, path: str) -> Iterator[Finding]:
        stopped = self._refusal(key)
        if stopped is not None:
            yield Finding(path, *stopped)
        elif not _is_a(value, key.type):
            yield Finding(path, VALUE_REASON, f"must be {key.type.value}")
        else:
            yield from self._content(value, key, path=path)

    def _refusal(self, key: Key) -> tuple[str, str] | None:
        """Why a key must not be there at all, whatever its value: reason and message."""
        if key.owner:
            return OWNED_REASON, f"is set by the operator: remove it; {key.owner}"

        if key.driver and key.driver != self._driver:
            return OWNED_REASON, _OTHER_DRIVER

        absent = self._absence(key)
        return (UNKNOWN_REASON, absent) if absent else None

    def _absence(self, key: Key) -> str:
        """Why the release has no such key, or may be stopped by it; empty when all is well."""
        if self._release is None:
            return _may_stop(key.since) if key.fatal_before else ""

        if key.since is not None and self._release.surely_before(key.since):
            return self._too_old(key.since)

        if key.until is not None and self._release.surely_since(key.until):
            return f"is gone since release {_dotted(key.until)}: remove it"

        return ""

    def _too_old(self, since: Version) -> str:
        return (
            f"exists since release {_dotted(since)}, and the image is {self._release}: "
            "remove it, or use a newer image"
        )

    def _content(self, value: Any, key: Key, *, path: str) -> Iterator[Finding]:
        match key.type:
            case Type.OBJECT:
                yield from self._object(value, key, path=path)
            case Type.MAP if key.item is not None:
                for name in sorted(value):
                    yield from self.value(value[name], key.item, path=_join(path, name))
            case Type.LIST if key.item is not None:
                for index, item in enumerate(value):
                    yield from self.value(item, key.item, path=f"{path}[{index}]")
            case _:
                yield from _scalar(value, key, path=path)
                yield from self._value_of_a_release(value, key, path=path)

    def _value_of_a_release(self, value: Any, key: Key, *, path: str) -> Iterator[Finding]:
        if not key.values_since:
            return

        if value.upper() not in key.values_since:
            yield Finding(path, VALUE_REASON, f"must be {' or '.join(key.values_since)}")
            return

        since = key.values_since[value.upper()]
        if since is None:
            return

        if self._release is None:
            yield Finding(path, UNKNOWN_REASON, f"is {value}, which {_may_stop(since)}")
        elif self._release.surely_before(since):
            told = f"is {value}, which {self._too_old(since)}"
            yield Finding(path, UNKNOWN_REASON, told)

    def _object(self, value: Mapping[str, Any], key: Key, *, path: str) -> Iterator[Finding]:
        for name in sorted(value):
            inner = key.keys.get(name)
            if inner is None:
                yield Finding(_join(path, name), UNKNOWN_REASON, _unknown(name, key))
            else:
                yield from self.value(value[name], inner, path=_join(path, name))

        for name in key.required:
            if name not in value:
                yield Finding(_join(path, name), VALUE_REASON, "is missing: add it")


def _may_stop(since: Version | None) -> str:
    return (
        f"stops releases before {_dotted(since)}, and the image's tag does not tell the "
        "release: remove it, or use a tag such as 3.1.2"
    )


def _scalar(value: Any, key: Key, *, path: str) -> Iterator[Finding]:
    if key.values and value not in key.values:
        yield Finding(path, VALUE_REASON, f"must be {' or '.join(key.values)}")

    if key.minimum is not None and value < key.minimum:
        yield Finding(path, VALUE_REASON, f"must be {key.minimum} or more")

    if key.maximum is not None and value > key.maximum:
        yield Finding(path, VALUE_REASON, f"must be {key.maximum} or less")


def _is_a(value: object, type_: Type) -> bool:
    if type_ is Type.ANY:
        return value is not None

    if not isinstance(value, _PYTHON_TYPES[type_]):
        return False

    match type_:
        case Type.INTEGER:
            return not isinstance(value, bool)
        case Type.DURATION:
            return _DURATION.fullmatch(str(value)) is not None
        case Type.REGEXP:
            return _is_regexp(str(value))
        case _:
            return True


def _is_regexp(pattern: str) -> bool:
    """Whether RE2 takes the pattern, judged by Rust's engine, which has the same limits."""
    try:
        SchemaValidator(core_schema.str_schema(pattern=pattern))
    except SchemaError:
        return False

    return True


def _unknown(name: str, key: Key) -> str:
    allowed = [other for other, inner in key.keys.items() if not inner.owner]
    close = difflib.get_close_matches(name.lower().replace("_", ""), allowed, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""

    return f"is not a key of the registry's configuration: remove it or correct it{hint}"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _dotted(version: tuple[int, int, int] | None) -> str:
    return ".".join(str(number) for number in version or ())
