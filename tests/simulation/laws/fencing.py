"""Law 2: no child is ever written by an operator that does not hold the Lease.

In flow changes with their sender; judged at the moment in which the server acts, so that what was
on its way when the right ended is judged too. By the fence a write leaves at the latest 10 s after
the last renewal, and by the Lease nobody else begins before 15 s have passed; no request of these
simulations takes longer than the 5 s between.
"""

from registry_operator.runtime.lease import LEASES, holder_of
from registry_operator.runtime.recorder import EVENTS
from registry_operator.testing.fake_api import Change, FakeApi
from registry_operator.testing.simulation.process import Process
from tests.simulation.candidate import LEASE
from tests.simulation.laws.law import Court


class Fencing:
    """Watches who writes while whose Lease it is; the Lease itself and Events are no children."""

    def __init__(self, api: FakeApi, court: Court) -> None:
        self._api = api
        self._court = court

    def holder(self) -> str:
        """Return whose the Lease is now; "" while it is nobody's."""
        lease = self._api.get(LEASES, LEASE)
        return holder_of(lease["spec"]) if lease is not None else "nobody yet"

    def see(self, change: Change, sender: Process) -> None:
        """Judge one change of an operator."""
        if change.resource in {LEASES, EVENTS}:
            return
        holder = self.holder()
        if holder not in {"", sender.name}:
            what = f"{change.resource.plural} {change.new['metadata']['name']}"
            self._court.broken(
                "fencing", f"{sender.name} wrote {what} while {holder} held the Lease"
            )
