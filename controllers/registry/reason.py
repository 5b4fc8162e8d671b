"""What is said of one reason of a condition: its meaning, its cure, its gravity.

The gravity says whether it becomes a Warning Event, and whether it raises `Stalled`, by which
kstatus tells "failed" from "in progress". The reasons themselves are in reasons.py.
"""

from dataclasses import dataclass
from enum import Enum


class Gravity(Enum):
    """How a reason is told to the user."""

    STATE = "state"  # as it should be
    WAIT = "wait"  # passes by itself
    TROUBLE = "trouble"  # heals by itself once its cause goes: a Warning Event, once
    STALL = "stall"  # only a person can end it: raises the condition Stalled


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: what it means, what to do, how it is told.

    `for_others`: a wait that ends when somebody outside of the operator acts, and may never.
    """

    name: str
    meaning: str
    cure: str = "Nothing."
    gravity: Gravity = Gravity.TROUBLE
    for_others: bool = False

    @property
    def stalls(self) -> bool:
        """Whether only a person can end it."""
        return self.gravity is Gravity.STALL
