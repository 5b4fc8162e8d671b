"""Law 5, first part: no key is worked on twice at once by one reconciler of one process.

In flow the reconcile functions of an operator; out flow the same functions, counted in and out.
"""

from collections import Counter

from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.controller import Reconcile
from registry_operator.runtime.outcome import Outcome
from registry_operator.testing.simulation.process import Process
from tests.simulation.laws.law import Court


class Turns:
    """Counts who is inside of which reconcile."""

    def __init__(self, court: Court) -> None:
        self._court = court
        self._inside: Counter[tuple[str, str, ObjectKey]] = Counter()

    def around(self, name: str, reconcile: Reconcile) -> Reconcile:
        """Return `reconcile`, watched."""

        async def watched(key: ObjectKey) -> Outcome:
            process = Process.current()
            turn = (process.name if process else "", name, key)
            self._inside[turn] += 1
            if self._inside[turn] > 1:
                self._court.broken("turns", f"{name} works on {key} twice at once")
            try:
                return await reconcile(key)
            finally:
                self._inside[turn] -= 1

        return watched
