"""What a watch brings comes late, in order, and in one piece where it is due together."""

import pytest

from registry_operator.testing.simulation.pipe import Pipe
from registry_operator.testing.virtual_loop import VirtualClock

pytestmark = pytest.mark.virtual


async def test_what_is_due_together_comes_in_one_piece(clock: VirtualClock) -> None:
    pipe = Pipe("a")
    pipe.put(b"one ", lag=3)
    pipe.put(b"two ", lag=1)
    pipe.put(b"three", lag=5)
    pipe.end("end")

    came = [(clock.monotonic(), chunk) async for chunk in pipe.chunks(idle=None)]

    assert came == [(3, b"one two "), (5, b"three")]
