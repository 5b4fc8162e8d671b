"""Law 8: no write says what the server knows already, and nobody fights without end.

In flow writes before the server acts on them, changes that an operator made, and requests that came
to no good end; out flow breaches. A write that changes nothing is excused by a failed one of the
same object: its fate was not known. A child is written often only where somebody else insists; then
an operator has to slow down (`contest.py`), for each owner anew.
"""

import asyncio
from collections import Counter, defaultdict, deque
from typing import Any, Final

from controllers.kinds import REGISTRY
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.lease import LEASES
from registry_operator.runtime.recorder import EVENTS
from registry_operator.testing.fake_api import Change, FakeApi
from registry_operator.testing.simulation.process import Process
from tests.simulation.laws.law import Court

Body = dict[str, Any]
_WINDOW: Final = 60.0
# Eight free repairs, six more within a minute (after 1, 2, 4, 8, 16 and 32 s), and what users want.
_MOST_WRITES: Final = 25
# A status may tell of each repair twice: that something was amiss, and that it is well again.
_MOST_STATUSES: Final = 40


class Thrift:
    """Counts writes that were for nothing, and those of one child by one process."""

    def __init__(self, api: FakeApi, court: Court) -> None:
        self._api = api
        self._court = court
        self._excuses: Counter[tuple[str, str]] = Counter()
        self._failed: Counter[tuple[str, str]] = Counter()
        self._written: defaultdict[tuple[str, ...], deque[float]] = defaultdict(deque)

    def failed(self, request: Request, status: int) -> None:
        """Take notice of a failed request; `status` 0 is no answer."""
        if request.method != "GET" and (status == 0 or status >= 500):
            parts = request.path.removesuffix("/status").split("/")
            self._excuses[parts[-2], parts[-1]] += 1
            self._failed[parts[-2], parts[-1]] += 1

    def admit(self, verb: str, resource: Resource, body: Body) -> None:
        """Judge a write of an operator right before it is stored."""
        if verb != "update" or resource in {LEASES, EVENTS}:
            return
        name = body["metadata"]["name"]
        stored = self._api.get(resource, ObjectKey(body["metadata"].get("namespace", ""), name))
        if stored is None or _content(stored) != _content(body):
            return
        if self._excuses[resource.plural, name]:
            self._excuses[resource.plural, name] -= 1
        else:
            self._court.broken("thrift", f"{resource.plural} {name} was written as it was")

    def see(self, change: Change, sender: Process) -> None:
        """Judge one change of an operator."""
        if change.resource in {LEASES, EVENTS}:
            return
        now = asyncio.get_running_loop().time()
        what = change.resource.plural, change.new["metadata"]["name"]
        times = self._written[sender.name, *what, _owner(change.new)]
        times.append(now)
        while times[0] < now - _WINDOW:
            times.popleft()
        most = _MOST_STATUSES if change.resource == REGISTRY else _MOST_WRITES
        # Who has no good answer can't know that it repaired anything.
        if len(times) > most + self._failed[what]:
            self._court.broken(
                "thrift", f"{' '.join(what)} was written {len(times)} times a minute"
            )


def _owner(body: Body) -> str:
    """The uid of an object's owner; "" where it has none."""
    return next((owner["uid"] for owner in body["metadata"].get("ownerReferences", ())), "")


def _content(body: Body) -> Body:
    """An object without what the server itself writes with each change."""
    metadata = {
        name: value
        for name, value in body["metadata"].items()
        if name not in {"managedFields", "resourceVersion"}
    }
    return body | {"metadata": metadata}
