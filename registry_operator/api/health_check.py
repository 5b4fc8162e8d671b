"""How a Registry is checked as a client would use it, and what came of it.

Manifests flow in, client_checks.py of the controllers reads them; the status flows out. Of the
status the outages are read back after a restart of the operator: they decide nothing, and whoever
loses them loses figures of the past (ADR 0017).
"""

from typing import Annotated, Literal

from pydantic import Field

from registry_operator.api.types import ATOMIC_LIST, Int32, Model, Timestamp

MOST_OUTAGES = 24


class HealthCheck(Model):
    """A small image that is pushed, pulled and deleted through the Service, again and again."""

    enabled: bool = True
    """false: nothing is pushed, and Available is judged by the readiness of the pods alone."""
    interval_seconds: Annotated[
        int, Field(ge=10, le=86400, json_schema_extra={"format": "int32"})
    ] = 60
    """Seconds between two checks, about. With very many Registries they come less often."""
    timeout_seconds: Annotated[int, Field(ge=1, le=25, json_schema_extra={"format": "int32"})] = 20
    """Seconds that a check may take."""


class Outage(Model):
    """A time in which clients were not served."""

    begun: Timestamp
    """When it was seen first."""
    ended: Timestamp | None = None
    """When it was seen to be over; absent while it lasts."""


class Availability(Model):
    """How much of the time clients were served, in percent, of the time that was looked at."""

    hour: Annotated[str, Field(max_length=8)] | None = None
    """Of the last hour."""
    day: Annotated[str, Field(max_length=8)] | None = None
    """Of the last 24 hours."""
    month: Annotated[str, Field(max_length=8)] | None = None
    """Of the last 30 days."""


class HealthCheckStatus(Model):
    """What came of the checks. Written when the result turns, and rarely otherwise."""

    result: Literal["Passed", "Failed", "Unreachable"] | None = None
    """What holds: Failed once two checks in a row failed, Unreachable while the operator comes to
    no pod."""
    since: Timestamp | None = None
    """When the result turned."""
    step: Annotated[str, Field(max_length=16)] | None = None
    """The step that fails: /, /v2/, push, pull or delete."""
    message: Annotated[str, Field(max_length=512)] | None = None
    """What was asked, and what came."""
    limited: Annotated[str, Field(max_length=256)] | None = None
    """Why less than all is checked."""
    last_time: Timestamp | None = None
    """The last check when this was written."""
    last_success: Timestamp | None = None
    """The last check that passed when this was written."""
    latency_milliseconds: Int32 | None = None
    """How long that one took."""
    observed_since: Timestamp | None = None
    """Since when the registry is looked at."""
    availability: Availability | None = None
    """How much of the time clients were served."""
    outages: (
        Annotated[list[Outage], Field(max_length=MOST_OUTAGES, json_schema_extra=ATOMIC_LIST)]
        | None
    ) = None
    """The outages of the last 30 days."""
