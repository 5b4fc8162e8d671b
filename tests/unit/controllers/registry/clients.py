"""Clients that are asked to push and pull, and answer as they are told."""

from registry_operator.distribution.check import Check, Result, Verdict
from registry_operator.testing.virtual_loop import VirtualClock

PASSED = Result(Verdict.PASSED, "", "", 0.05)
FULL = Result(Verdict.FAILED, "push", "POST of an upload was answered 500", 0.1)
UNREACHABLE = Result(Verdict.UNREACHABLE, "/", "GET /: no answer came in time", 20.0)


class Clients:
    """Asks registries; each answers `result`, after `seconds`."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.result = PASSED
        self.seconds = 0.05
        self.asked: list[Check] = []
        self.nonces: list[bytes] = []
        self.at_once = self.most = 0

    async def __call__(self, what: Check, *, nonce: bytes) -> Result:
        self.asked.append(what)
        self.nonces.append(nonce)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        result = self.result
        await self.clock.sleep(self.seconds)
        self.at_once -= 1
        return result

    def new(self) -> int:
        """How many were asked since the last call."""
        number = len(self.asked)
        self.asked.clear()
        return number
