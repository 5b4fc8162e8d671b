"""What our own writes made true and the watch has not said yet.

In flow the answers to our writes and the progress of the watch; out flow judgements: is this
object hidden, is that key ahead of the watch. Why so: a reconcile that follows a write must see
it, or it writes twice. Everything here is short-lived: an entry goes as soon as the watch has
passed it. resourceVersions of one kind are comparable numbers (KEP-5504).
"""

from collections.abc import Collection
from dataclasses import dataclass

from registry_operator.kube.object import Object, parse_resource_version
from registry_operator.kube.resource import ObjectKey


def version_number(text: str) -> int:
    """Return the resourceVersion as a number; 0 for one that cannot be compared."""
    try:
        return parse_resource_version(text)
    except ValueError:
        return 0


def same_version(a: Object, b: Object) -> bool:
    """Whether both are the same state of the same object, as far as that can be told."""
    return (
        a.uid == b.uid
        and a.resource_version == b.resource_version
        and version_number(a.resource_version) > 0
    )


def is_older(obj: Object, than: Object) -> bool:
    """Whether `obj` is a former state of its key; never for what cannot be compared."""
    version = version_number(obj.resource_version)
    return 0 < version < version_number(than.resource_version)


@dataclass(frozen=True, slots=True)
class _Tombstone:
    uid: str
    version: int


class Overlay:
    """Keys whose state is ahead of the watch: written by us, or deleted (a tombstone)."""

    def __init__(self) -> None:
        self._written: dict[ObjectKey, int] = {}
        self._tombstones: dict[ObjectKey, _Tombstone] = {}

    def __len__(self) -> int:
        return len(self._written) + len(self._tombstones)

    def wrote(self, obj: Object) -> None:
        """Note a write that nothing hides."""
        self._written[obj.key] = version_number(obj.resource_version)

    def deleted(self, obj: Object) -> None:
        """Note a deletion of exactly this object."""
        self._written.pop(obj.key, None)
        self._tombstones[obj.key] = _Tombstone(obj.uid, version_number(obj.resource_version))

    def hides(self, obj: Object) -> bool:
        """Whether we deleted this very object and the watch still shows it as it was before.

        An object of another uid was made after our deletion, and one that is being deleted waits
        for a finalizer that we did not know: both end the tombstone and are shown.
        """
        tombstone = self._tombstones.get(obj.key)
        if tombstone is None:
            return False
        if tombstone.uid == obj.uid and not obj.is_deleting:
            return True
        if version_number(obj.resource_version) >= tombstone.version:
            del self._tombstones[obj.key]
            return False
        return True  # a former bearer of the name, seen late

    def buried(self, obj: Object) -> None:
        """Note that the watch said that this object is gone."""
        tombstone = self._tombstones.get(obj.key)
        if tombstone is not None and tombstone.uid == obj.uid:
            del self._tombstones[obj.key]

    def written(self) -> list[ObjectKey]:
        """Return the keys that we wrote and the watch has not reached."""
        return [*self._written]

    def tombstones(self) -> list[ObjectKey]:
        """Return the keys that we deleted and the watch has not said so of."""
        return [*self._tombstones]

    def pass_writes(self, version: int) -> list[ObjectKey]:
        """Forget and return the keys that we wrote up to `version`, which the watch has reached."""
        if not self._written:
            return []
        passed = [key for key, written in self._written.items() if written <= version]
        for key in passed:
            del self._written[key]
        return passed

    def pass_tombstones(self, version: int, *, still_shown: Collection[ObjectKey]) -> None:
        """Forget tombstones after a list as of `version`, but for the objects that it still shows.

        A list at least as late as the object that does not show it was taken after the deletion.
        """
        passed = [key for key, stone in self._tombstones.items() if stone.version <= version]
        for key in passed:
            if key not in still_shown:
                del self._tombstones[key]

    def settle(self, key: ObjectKey) -> None:
        """Forget that we wrote this key: the watch has told its state."""
        self._written.pop(key, None)
