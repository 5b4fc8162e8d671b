"""The objects of a kind with their indexes: what a store holds, and what its successor grows in.

In flow single objects; out flow reads by key and by index. Why a value of its own: a complete list
is gathered beside the store, object by object while others have their turns, and then swapped in
as a whole, whatever its size.
"""

from collections.abc import Mapping

from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.index import Index, IndexFunc


class Contents:
    """Objects by key and by the declared `functions`; `bytes` is what they take."""

    __slots__ = ("bytes", "indexes", "objects")

    def __init__(self, functions: Mapping[str, IndexFunc]) -> None:
        self.objects: dict[ObjectKey, Object] = {}
        self.indexes = {name: Index(name, function) for name, function in functions.items()}
        self.bytes = 0

    @property
    def index_failures(self) -> int:
        """How often an index function raised."""
        return sum(index.failures for index in self.indexes.values())

    def put(self, obj: Object) -> None:
        """Take an object in, instead of the one under its key."""
        old = self.objects.get(obj.key)
        self.bytes += obj.size - (old.size if old else 0)
        self.objects[obj.key] = obj
        for index in self.indexes.values():
            index.put(obj, old)

    def discard(self, key: ObjectKey) -> None:
        """Forget an object, if it is known."""
        obj = self.objects.pop(key, None)
        if obj is None:
            return
        self.bytes -= obj.size
        for index in self.indexes.values():
            index.discard(obj)
