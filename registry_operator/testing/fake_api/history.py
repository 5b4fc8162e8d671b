"""What has changed: the history of each kind, from which watches and later pages are served.

In flow changes, in the order of their resourceVersions; out flow the changes since one. How far
back it reaches is the same question as in a cluster: etcd forgets everything at a compaction, the
watch cache of a kind its oldest changes.
"""

import bisect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from registry_operator.kube.errors import Gone
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import Resource

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the history; `at` is the loop's time in seconds.

    `new` of what is DELETED is its last state. `request` is the one that asked for just this; None
    is the test, or the server itself (garbage, what is left in an ending namespace). The bodies
    must not be changed.
    """

    revision: int
    at: float
    resource: Resource
    kind: Literal["ADDED", "MODIFIED", "DELETED"]
    old: Body | None
    new: Body
    request: Request | None = None
    # How watches tell it, by what they ask for: encoded once, however many are open.
    lines: dict[object, bytes | None] = field(default_factory=dict, repr=False, compare=False)


Listener = Callable[[Change], None]


class History:
    """Remembers the last `limit` changes of each kind."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._changes: dict[Resource, list[Change]] = {}
        self._floors: dict[Resource, int] = {}
        self._floor = 0

    def add(self, change: Change) -> None:
        """Remember the newest change."""
        changes = self._changes.setdefault(change.resource, [])
        changes.append(change)
        if len(changes) > self._limit:
            self._floors[change.resource] = changes.pop(0).revision

    def since(self, resource: Resource, revision: int) -> list[Change]:
        """Return the later changes of a kind. Raises Gone when some of them are forgotten."""
        floor = max(self._floor, self._floors.get(resource, 0))
        if revision < floor:
            message = f"too old resource version: {revision} ({floor})"
            raise Gone(410, reason="Expired", message=message)
        changes = self._changes.get(resource)
        if not changes or changes[-1].revision <= revision:
            return []
        return changes[bisect.bisect_right(changes, revision, key=_revision) :]

    def compact(self, revision: int) -> None:
        """Forget everything up to a resourceVersion."""
        self._floor = revision
        self._changes.clear()


def _revision(change: Change) -> int:
    return change.revision
