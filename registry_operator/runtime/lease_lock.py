"""The Lease as a lock on the API server: read, taken, renewed, given back, and what was seen of it.

In flow answers of the API server and the monotonic clock; out flow writes at the resourceVersion
that was seen last, so that of two who try at once one is refused. When the Lease changed last is
told by our own clock at the moment of seeing: times that stand in a Lease are never compared. What
labels and fields others put there stays. Whether to try, how often and for how long is the
elector's (`leader.py`).
"""

from dataclasses import dataclass
from typing import Any, Final

import structlog

from registry_operator.kube.client import Client
from registry_operator.kube.errors import ApiError, Conflict, NotFound
from registry_operator.kube.object import Object
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.lease import LEASES, Election, claim, holder_of, release, runs_out

log = structlog.get_logger(__name__)

_NOTHING: Final[dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class _Seen:
    """The Lease as it was last read or written, and when it last changed (monotonic)."""

    body: dict[str, Any]
    at: float

    @property
    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.body.get("spec") or _NOTHING
        return spec


class LeaseLock:
    """The Lease of one election, for one candidate. Every call raises KubeError as the client."""

    def __init__(self, client: Client, election: Election, *, clock: Clock) -> None:
        self._client = client
        self._election = election
        self._clock = clock
        self._seen: _Seen | None = None
        self._is_unanswered = False
        self._handed_over = ""

    @property
    def handed_over(self) -> str:
        """The resourceVersion before which whoever held it before us wrote his last.

        Of the Lease as it was given back, or of our own write where it had run out.
        """
        return self._handed_over

    @property
    def holder(self) -> str:
        """Who held it when it was last seen; empty when nobody did, or it was never seen."""
        return holder_of(self._seen.spec) if self._seen else ""

    @property
    def is_taken(self) -> bool:
        """Whether it was somebody else's, or nobody's, when it was last seen."""
        return self._seen is not None and self.holder != self._election.identity

    @property
    def may_be_ours(self) -> bool:
        """Whether it is ours as far as we know, or a write of ours was never answered."""
        return self._is_unanswered or self.holder == self._election.identity

    async def renew(self) -> float | None:
        """Renew it without reading it first; what we know of it guards against a stranger.

        Returns when the write began (monotonic); None when it has to be read first.
        """
        if self._seen is None or self.is_taken:
            return None
        try:
            return await self._claim(self._seen)
        except ApiError as error:
            log.debug("lease has to be read anew", error=str(error))
            return None

    async def take(self) -> float | None:
        """Read it, and take it unless it is another's whose time has not run out.

        Returns when the write began (monotonic); None when it is another's.
        """
        try:
            current = await self._read()
        except NotFound:
            return await self._create()
        if self.is_taken and self._clock.monotonic() < runs_out(current.spec, current.at):
            return None
        given_back = not self.holder
        before = _version_of(current)
        began = await self._claim(current)
        self._handed_over = before if given_back else _version_of(self._seen)
        return began

    async def give_back(self) -> bool:
        """Let others take it at once, if it still is ours; False when it changed meanwhile."""
        current = await self._read()
        if self.is_taken:
            return True
        try:
            await self._write(current, release(current.spec, self._clock.now()))
        except Conflict:
            return False
        log.info("lease released", lease=str(self._election.key))
        return True

    async def _read(self) -> _Seen:
        return self._saw(await self._client.get(LEASES, self._election.key))

    async def _claim(self, seen: _Seen) -> float:
        return await self._write(seen, claim(seen.spec, self._election, self._clock.now()))

    async def _create(self) -> float:
        body = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": self._election.name, "namespace": self._election.namespace},
            "spec": claim({}, self._election, self._clock.now()),
        }
        began = self._begin()
        self._handed_over = _version_of(self._saw(await self._client.create(LEASES, body)))
        return began

    async def _write(self, seen: _Seen, spec: dict[str, Any]) -> float:
        began = self._begin()
        self._saw(await self._client.update(LEASES, {**seen.body, "spec": spec}))
        return began

    def _begin(self) -> float:
        self._is_unanswered = True
        return self._clock.monotonic()

    def _saw(self, lease: Object) -> _Seen:
        body = lease.body()
        at = self._clock.monotonic()
        if self._seen is not None and self._seen.spec == (body.get("spec") or _NOTHING):
            at = self._seen.at
        self._seen = _Seen(body, at)
        self._is_unanswered = False
        return self._seen


def _version_of(seen: _Seen | None) -> str:
    assert seen is not None
    version: str = seen.body["metadata"]["resourceVersion"]
    return version
