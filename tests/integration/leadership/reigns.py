"""Who wrote when, by the API server's audit log: one writer after the other, or two at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from hack.cluster.audit import AuditLog, Request

_LEASES = "coordination.k8s.io/leases"


@dataclass(frozen=True)
class Reign:
    """Writes of one user that no other's write lies between; times are the API server's."""

    user: str
    writes: Sequence[Request]

    @property
    def began(self) -> float:
        return self.writes[0].received

    @property
    def ended(self) -> float:
        """When the last of them was answered."""
        return max(write.answered for write in self.writes)


def reigns(audit: AuditLog, users: Collection[str], *, since: int) -> list[Reign]:
    """All writes of `users`, Events too and Leases apart, in the order in which they arrived."""
    writes = [
        one for one in audit.writes(since=since) if one.user in users and one.resource != _LEASES
    ]
    writes.sort(key=lambda one: one.received)
    return [Reign(user, list(group)) for user, group in groupby(writes, lambda one: one.user)]


def last_renewal(audit: AuditLog, user: str, *, since: int) -> Request:
    """The last write of the Lease by `user` that succeeded."""
    return [
        one
        for one in audit.writes(since=since, user=user)
        if one.resource == _LEASES and one.code in {200, 201}
    ][-1]


def overlaps(found: Sequence[Reign]) -> list[tuple[Request, Request]]:
    """Where one still waited for an answer when another began."""
    return [
        (before.writes[-1], after.writes[0])
        for before, after in pairwise(found)
        if before.ended > after.began
    ]
