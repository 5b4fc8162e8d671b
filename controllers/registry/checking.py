"""How a registry process is tried: what is injected, and how it is done in a cluster.

Both who tries the pods of a change (prover.py) and who asks as a client (client_checks.py) take a
`Checker`, so that tests try nothing; `check` is the real one.
"""

import time
from typing import Protocol

from registry_operator.distribution.check import Check, Result, perform


class Checker(Protocol):
    """Makes one check; what is pushed is made of `nonce`, which one check at a time may use."""

    async def __call__(self, what: Check, *, nonce: bytes) -> Result:
        """What was found."""
        ...


async def check(what: Check, *, nonce: bytes) -> Result:
    """Tries it now; see registry_operator.distribution.check."""
    return await perform(what, nonce=nonce, clock=time.monotonic)
