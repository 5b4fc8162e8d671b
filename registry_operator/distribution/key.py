"""One key of the registry's configuration: what may stand there, and in which releases.

The words of the table in schema.py, which passthrough.py walks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType

from registry_operator.distribution.release import Version


class Type(Enum):
    """What a value may be; the value of each member is how a user is told."""

    OBJECT = "an object"
    LIST = "a list"
    MAP = "an object of named values"
    STRING = "a string"
    INTEGER = "a whole number"
    BOOLEAN = "true or false, without quotes"
    DURATION = 'a duration in quotes, such as "90s" or "24h"'
    REGEXP = "a regular expression without look-around and back-references (RE2)"
    ANY = "anything but null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of the configuration.

    `keys` are those of an OBJECT, `item` is that of a LIST or MAP. `owner` is not empty when the
    operator sets the key: how to get what is wanted instead. `driver` names the storage driver
    without which the key must not be there. `since` and `until` are the first release that has it
    and the first that has it no more; `fatal_before` says that earlier releases do not start with
    it, instead of dropping it. `required` keys must be there when the object is.
    `values_since` are values, in upper case, and the first release that starts with each; None: all
    do.
    """

    type: Type
    keys: Mapping[str, "Key"] = field(default_factory=dict)
    item: "Key | None" = None
    owner: str = ""
    driver: str = ""
    since: Version | None = None
    until: Version | None = None
    fatal_before: bool = False
    values: tuple[str, ...] = ()
    values_since: Mapping[str, Version | None] = field(default_factory=dict)
    minimum: int | None = None
    maximum: int | None = None
    required: tuple[str, ...] = ()


def object_of(keys: Mapping[str, Key], *, required: tuple[str, ...] = ()) -> Key:
    """An object of these keys."""
    return Key(type=Type.OBJECT, keys=MappingProxyType(dict(keys)), required=required)


def list_of(item: Key) -> Key:
    """A list of such items."""
    return Key(type=Type.LIST, item=item)


def one_of(*values: str) -> Key:
    """A string, one of these."""
    return Key(type=Type.STRING, values=values)


def owned(cure: str) -> Key:
    """A key that the operator sets, and what to do instead."""
    return Key(type=Type.ANY, owner=cure)


def since(version: Version, key: Key, *, fatal_before: bool = False) -> Key:
    """The same key, which earlier releases have not."""
    return replace(key, since=version, fatal_before=fatal_before)
