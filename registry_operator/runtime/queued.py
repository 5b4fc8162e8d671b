"""How one key waits in a workqueue, for people who ask what is queued.

In flows the queue's memory at one moment; out flow plain facts. They are made when somebody asks,
so the queue does no work for them while keys pass.
"""

from dataclasses import dataclass
from typing import Literal

QueuedState = Literal["ready", "held", "delayed"]


@dataclass(frozen=True, slots=True)
class Queued:
    """A key's wait for a worker.

    Attributes:
        state: `ready` for any worker; `held` until its run in progress ends; `delayed` until due.
        priority: name of the class.
        at: monotonic seconds: when it became ready or, of a delayed key, when it will be.
        failures: failed runs since the last that succeeded.
    """

    state: QueuedState
    priority: str
    at: float
    failures: int
