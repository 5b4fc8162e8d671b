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
    """From a value to the keys of the objects that have it; unused values take no memory.

    An object's former values are not kept: the function tells them again.
    """

    def __init__(self, name: str, function: IndexFunc) -> None:
        self._name = name
        self._function = function
        # Most values are of one object, for which a set would be half of what the index takes.
        self._keys: dict[str, ObjectKey | set[ObjectKey]] = {}
        self.failures = 0

    def __len__(self) -> int:
        return len(self._keys)

    def keys(self, value: str) -> list[ObjectKey]:
        """Return the keys of the objects that have the value, sorted."""
        keys = self._keys.get(value)
        if keys is None:
            return []
        return sorted(keys) if isinstance(keys, set) else [keys]

    def put(self, obj: Object, old: Object | None) -> None:
        """Take an object in, instead of the one that was put under its key."""
        values = self._values_of(obj)
        if old is not None:
            former = self._values_of(old)
            if values == former:
                return
            self._drop(old.key, former)
        for value in values:
            keys = self._keys.setdefault(value, obj.key)
            if isinstance(keys, set):
                keys.add(obj.key)
            elif keys != obj.key:
                self._keys[value] = {keys, obj.key}

    def discard(self, obj: Object) -> None:
        """Forget an object that was put."""
        self._drop(obj.key, self._values_of(obj))

    def _drop(self, key: ObjectKey, values: Iterable[str]) -> None:
        for value in values:
            keys = self._keys.get(value)
            if isinstance(keys, set):
                keys.discard(key)
                if len(keys) == 1:
                    self._keys[value] = keys.pop()
            elif keys == key:
                del self._keys[value]

    def _values_of(self, obj: Object) -> tuple[str, ...]:
        try:
            return tuple(dict.fromkeys(self._function(obj)))
        except Exception:
            self.failures += 1
            log.exception("index function raised", index=self._name, object=str(obj.key))
            return ()
