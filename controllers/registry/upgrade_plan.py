"""The plan of a change of the pods: what the Deployment shall ask for now, and what is remembered.

Data. upgrade.py makes it, deployment.py writes it, upgrade_condition.py tells it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from controllers.registry.failure import Failure
from registry_operator.api.names import GROUP

HEALTHY = f"{GROUP}/healthy-revision"
"""On the Deployment, once its pods were changed: the revision to go back to. The Deployment's own:
the change is complete."""
Template = Mapping[str, Any]


class Phase(Enum):
    """Where a change of the pods is, as in `status.upgrade.phase`."""

    WAITING = "Waiting"
    CANARY = "Canary"
    ROLLING = "Rolling"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"
    REFUSED = "Refused"
    PAUSED = "Paused"
    ABORTED = "Aborted"


_COUNTS = frozenset(
    {Phase.CANARY, Phase.ROLLING, Phase.PAUSED, Phase.ROLLING_BACK, Phase.ROLLED_BACK}
)


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a Registry may begin a change that is owed to its template (budget.py).

    `bound`: how many may at a time, as the template says it.
    """

    is_given: bool = True
    bound: int | str = ""


ADMITTED = Admission()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be now.

    Attributes:
        wanted: the template that the specification makes.
        template: what the Deployment asks for; `is_held`: it is kept, and not `wanted`.
        phase: None when no change of the pods is under way.
        before: the template to go back to, where the cluster has it.
        healthy: the revision to go back to; "" while there is none.
        failure: why `wanted` is not tried again.
        message: what the phase is about, for the user.
        stops: whether the Deployment's roll-out is to stop where it is.
        shared: the template that the change is owed to; "" where it is the Registry's own.
    """

    wanted: Template
    template: Template
    phase: Phase | None = None
    before: Template | None = None
    healthy: str = ""
    failure: Failure | None = None
    message: str = ""
    stops: bool = False
    shared: str = ""

    @property
    def is_held(self) -> bool:
        """Whether the pods are kept at something else than what is wanted."""
        return self.template is not self.wanted

    @property
    def counts_for(self) -> str:
        """The template against whose bound the change counts; "" for none.

        One that was not begun takes nothing away from anybody; one that failed may be about to.
        """
        is_begun = self.phase in _COUNTS and not (self.phase is Phase.PAUSED and self.is_held)
        return self.shared if is_begun else ""

    @property
    def tries(self) -> bool:
        """Whether a canary is wanted."""
        return self.phase is Phase.CANARY
