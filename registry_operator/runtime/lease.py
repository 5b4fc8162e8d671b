"""The record that an election is about: what a `Lease` says, and what we would write into it.

In flow a Lease's spec and the time of day; out flow decisions and the next spec. Pure. The rules
are client-go's (`tools/leaderelection`): an empty holder may be replaced at once, any other only
after the duration that the *record* names has passed unchanged; whoever keeps the Lease keeps its
time of acquisition and its transitions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.clock import micro_time

LEASES: Final = Resource("coordination.k8s.io", "v1", "Lease", "leases")

# client-go waits between retry and 2.2 x retry before trying again.
JITTER: Final = 1.2

Spec = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Election:
    """Who stands for which Lease, and the times of the election, in seconds.

    A holder that could not renew for `renew` seconds gives up; others wait `lease` seconds; either
    tries every `retry` seconds. The Lease is not renewed for work that showed no sign of life for
    `silence` seconds. Raises ValueError for times that could make two leaders.
    """

    identity: str
    namespace: str
    name: str
    lease: int = 15
    renew: float = 10.0
    retry: float = 2.0
    # A kubelet gives up on us after as long (config/manager: three probes, ten seconds apart).
    silence: float = 30.0

    def __post_init__(self) -> None:
        if not self.identity:
            raise ValueError("leader election needs an identity")
        times = f"{self.lease} s, {self.renew} s, {self.retry} s"
        if min(self.lease, self.renew, self.retry, self.silence) < 1:
            raise ValueError(f"leader election: no time may be under a second: {times}")
        if not self.lease > self.renew > self.retry * JITTER:
            raise ValueError(f"leader election needs lease > renew > {JITTER} x retry: {times}")

    @property
    def key(self) -> ObjectKey:
        """Where the Lease is."""
        return ObjectKey(self.namespace, self.name)


def holder_of(spec: Spec) -> str:
    """Who holds the Lease; empty when nobody does."""
    return spec.get("holderIdentity") or ""


def runs_out(spec: Spec, seen_at: float) -> float:
    """When a Lease that did not change since `seen_at` may be taken, on the same clock."""
    return seen_at + float(spec.get("leaseDurationSeconds") or 0) if holder_of(spec) else seen_at


def claim(spec: Spec, election: Election, now: datetime) -> dict[str, Any]:
    """Return the spec that takes the Lease or, for its holder, renews it; unknown fields stay."""
    stamp = micro_time(now)
    claimed = {
        **spec,
        "holderIdentity": election.identity,
        "leaseDurationSeconds": election.lease,
        "renewTime": stamp,
    }
    if holder_of(spec) != election.identity:
        claimed["acquireTime"] = stamp
        claimed["leaseTransitions"] = spec.get("leaseTransitions", 0) + 1 if spec else 0
    return claimed


def release(spec: Spec, now: datetime) -> dict[str, Any]:
    """Return the spec that lets anyone take the Lease at once."""
    stamp = micro_time(now)
    return {
        **spec,
        "holderIdentity": "",
        "leaseDurationSeconds": 1,
        "acquireTime": stamp,
        "renewTime": stamp,
    }
