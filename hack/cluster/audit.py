"""The API server's audit log as tests read it: who wrote what, and who was refused.

In flows the log (JSON lines, see manifests/audit.yaml for what is recorded); out flow `Request`s. A
test takes a `mark()`, does something, and asks for what came after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

_DECISION = "authorization.k8s.io/decision"
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request.

    `code` is the HTTP status; `resource` is `group/resource[/subresource]`, core's without group.
    `authorized` tells RBAC's refusals from those of admission, which are 403 as well. `received`
    and `answered` are seconds since the epoch by the API server's clock, 0 where not recorded.
    """

    verb: str
    resource: str
    namespace: str
    name: str
    user: str
    code: int
    user_agent: str
    authorized: bool = True
    received: float = 0.0
    answered: float = 0.0

    @property
    def is_write(self) -> bool:
        """Whether it would change something (an answer of 4xx did not)."""
        return self.verb in WRITES


class AuditLog:
    """The audit log at `path`; it need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def mark(self) -> int:
        """The place of now, for `since`: maybe within a line that is being written."""
        return self.path.stat().st_size if self.path.exists() else 0

    def requests(self, *, since: int = 0) -> Iterator[Request]:
        """All recorded requests after `since`, in order of their answers."""
        if not self.path.exists():
            return

        with self.path.open("rb") as handle:
            _skip_to_whole_line(handle, since)
            for line in handle:
                if line.endswith(b"\n"):
                    yield _request(json.loads(line))

    def writes(self, *, since: int = 0, user: str | None = None) -> list[Request]:
        """Writes after `since`, refused ones included; `user` limits them to one user's."""
        return [r for r in self.requests(since=since) if r.is_write and user in {None, r.user}]

    def refused(self, *, since: int = 0, user: str | None = None) -> list[Request]:
        """Requests after `since` that were answered 403 (RBAC or admission)."""
        return [r for r in self.requests(since=since) if r.code == 403 and user in {None, r.user}]


def _skip_to_whole_line(handle: BinaryIO, since: int) -> None:
    """Moves to the first line that begins at or after `since`.

    The kernel shows a long write page by page, so a mark may be the middle of a line. What that
    line tells was answered before the mark.
    """
    if since:
        handle.seek(since - 1)
        handle.readline()


def _request(event: dict[str, Any]) -> Request:
    target: dict[str, str] = event.get("objectRef", {})
    parts = (target.get("apiGroup"), target.get("resource"), target.get("subresource"))

    return Request(
        verb=event["verb"],
        resource="/".join(part for part in parts if part) or event["requestURI"],
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        user=event["user"].get("username", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        user_agent=event.get("userAgent", ""),
        authorized=event.get("annotations", {}).get(_DECISION, "allow") == "allow",
        received=_seconds(event.get("requestReceivedTimestamp")),
        answered=_seconds(event.get("stageTimestamp")),
    )


def _seconds(micro_time: str | None) -> float:
    return datetime.fromisoformat(micro_time).timestamp() if micro_time else 0.0
