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

    CANARY = "Canary"
    ROLLING = "Rolling"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"
    REFUSED = "Refused"
    PAUSED = "Paused"
    ABORTED = "Aborted"


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
    """

    wanted: Template
    template: Template
    phase: Phase | None = None
    before: Template | None = None
    healthy: str = ""
    failure: Failure | None = None
    message: str = ""
    stops: bool = False

    @property
    def is_held(self) -> bool:
        """Whether the pods are kept at something else than what is wanted."""
        return self.template is not self.wanted

    @property
    def tries(self) -> bool:
        """Whether a canary is wanted."""
        return self.phase is Phase.CANARY
