"""How a Registry comes to another image or configuration: what its user allows, and what is told.

Manifests flow in, the reconciler of the Deployment reads them. What is said at a moment and not for
good is an annotation, as `kubectl rollout restart` does it: RETRY and ABORT.
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from registry_operator.api.names import GROUP
from registry_operator.api.types import Model, Timestamp

RETRY: Final = f"{GROUP}/retry-upgrade"
"""On a Registry: another value than before has a failed upgrade tried again."""
ABORT: Final = f"{GROUP}/abort-upgrade"
"""On a Registry: "true" has the pods stay at, or go back to, what was healthy last."""
DEFAULT_DEADLINE: Final = 600


class Upgrade(Model):
    """How changes of the pods are rolled out."""

    policy: Literal["Supported", "Any"] = "Supported"
    """Supported: moves between releases that are known to break something are refused, downgrades
    among them. Any: they are only told."""
    canary: bool = True
    """Whether one pod, to which no client is sent, tries every change first."""
    rollback: bool = True
    """Whether a change that fails while it is rolled out is taken back."""
    compare_traffic: bool = True
    """Whether a change is taken back that has new pods answer clients with many more errors (5xx),
    or far slower, than the pods before it do at the same time, as their metrics say."""
    paused: bool = False
    """true: changes of the pods wait; a roll-out stops where it is. Replicas still follow."""
    progress_deadline_seconds: Annotated[
        int, Field(ge=30, le=7200, json_schema_extra={"format": "int32"})
    ] = DEFAULT_DEADLINE
    """Seconds without progress after which a change has failed."""


class UpgradeStatus(Model):
    """A change of the pods that is under way, or was not made."""

    phase: Literal[
        "Waiting",
        "Canary",
        "Rolling",
        "RollingBack",
        "RolledBack",
        "Refused",
        "Paused",
        "Aborted",
    ]
    """Waiting: others of the same template change first. Canary: one pod tries it. Rolling: pods
    are replaced. RollingBack, RolledBack: it failed, and pods are, or are again, what they were.
    Refused, Paused, Aborted: it is not made."""
    from_image: Annotated[str, Field(max_length=512)] | None = None
    """Image of the pods that served before."""
    to_image: Annotated[str, Field(max_length=512)] | None = None
    """Image of the pods that are wanted; the same where something else changes."""
    from_revision: Annotated[str, Field(max_length=63)] | None = None
    """What the pods were before, as in their annotation registry-operator.dev/revision."""
    revision: Annotated[str, Field(max_length=63)] | None = None
    """What the pods are to become, as in their annotation registry-operator.dev/revision."""
    changes: Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=16)] | None = (
        None
    )
    """Which fields of the pods change, such as image, configuration or resources."""
    since: Timestamp | None = None
    """When this phase began."""
    message: Annotated[str, Field(max_length=32768)] | None = None
    """What is waited for, or what went wrong and what to do."""
