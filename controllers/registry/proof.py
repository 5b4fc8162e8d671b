"""What is known of a pod by trying it: whether a push, a pull and a delete went well.

In: results of checks, made by the operator at the pod's own address (prover.py). Out: values that a
decision looks at. Pure.
"""

from dataclasses import dataclass
from enum import Enum


class Trial(Enum):
    """What the checks of one pod say so far."""

    PASSED = "passed"
    FAILED = "failed"
    UNREACHED = "unreached"  # by us; that it is ready, the kubelet says
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of a pod, by its uid."""

    pod: str
    trial: Trial
    message: str = ""

    @property
    def stands(self) -> bool:
        """Whether the pod may serve, as far as anybody can tell."""
        return self.trial in {Trial.PASSED, Trial.UNREACHED}
