"""The check of one pod as it is made in a cluster: see registry_operator.distribution.check."""

import time
from collections.abc import Awaitable, Callable

from registry_operator.distribution.check import Check, Result, perform

Checker = Callable[[Check], Awaitable[Result]]
"""Tries one registry process."""


async def check(what: Check) -> Result:
    """Tries it now.

    What is pushed is the same for each address, so that little stays behind until garbage is
    collected; no two pods have one address.
    """
    return await perform(what, nonce=what.host.encode(), clock=time.monotonic)
