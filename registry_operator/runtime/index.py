"""Finding objects of a store by something else than their key.

In flow objects as the store takes and drops them; out flow the keys that carry a value. An index
function is pure and returns all values of one object (none, one or many). One that raises does not
stop the watch, for what it stumbled over may be a stranger's object: the object then has no value
in this index, which is logged and counted.
"""

from collections.abc import Callable, Iterable

import structlog

from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey

IndexFunc = Callable[[Object], Iterable[str]]

log = structlog.get_logger(__name__)


def by_owner_uid(obj: Object) -> Iterable[str]:
    """Index by the uid of the controlling owner: another owner does not manage the object."""
    controller = obj.controller()
    return () if controller is None else (controller.uid,)


def by_label(name: str) -> IndexFunc:
    """Make an index by the value of the label `name`; objects without it have no value."""

    def values(obj: Object) -> Iterable[str]:
        value = obj.labels.get(name)
        return () if value is None else (value,)

    return values


class Index:
    """From a value to the keys of the objects that have it; unused values take no memory."""

    def __init__(self, name: str, function: IndexFunc) -> None:
        self._name = name
        self._function = function
        self._keys: dict[str, set[ObjectKey]] = {}
        self._values: dict[ObjectKey, tuple[str, ...]] = {}
        self.failures = 0

    def __len__(self) -> int:
        return len(self._keys)

    def keys(self, value: str) -> list[ObjectKey]:
        """Return the keys of the objects that have the value, sorted."""
        return sorted(self._keys.get(value, ()))

    def put(self, obj: Object) -> None:
        """Take an object in, instead of what was known of its key."""
        key = obj.key
        values = self._values_of(obj)
        if values == self._values.get(key, ()):
            return
        self.discard(key)
        if values:
            self._values[key] = values
        for value in values:
            self._keys.setdefault(value, set()).add(key)

    def discard(self, key: ObjectKey) -> None:
        """Forget an object, if it is known."""
        for value in self._values.pop(key, ()):
            keys = self._keys[value]
            keys.discard(key)
            if not keys:
                del self._keys[value]

    def _values_of(self, obj: Object) -> tuple[str, ...]:
        try:
            return tuple(dict.fromkeys(self._function(obj)))
        except Exception:
            self.failures += 1
            log.exception("index function raised", index=self._name, object=str(obj.key))
            return ()
