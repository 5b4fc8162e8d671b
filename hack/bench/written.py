"""What recorded writes mean: children, status, Events; when all was there; what was repaired.

Pure. In flow requests as the API server recorded them; out flow counts and times of its clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from controllers.kinds import DEPLOYMENT, REGISTRY, SECRET, SERVICE, SERVICE_ACCOUNT
from hack.cluster.audit import Request
from hack.cluster.error import ClusterError
from registry_operator.kube.resource import Resource


def audited(resource: Resource) -> str:
    """A resource as the audit log names it."""
    return f"{resource.group}/{resource.plural}" if resource.group else resource.plural


STATUS = f"{audited(REGISTRY)}/status"
CHILDREN = frozenset(map(audited, (DEPLOYMENT, SECRET, SERVICE, SERVICE_ACCOUNT)))


def is_event(request: Request) -> bool:
    """Whether it wrote an Event."""
    return request.resource.rpartition("/")[2] == "events"


def is_child(request: Request) -> bool:
    """Whether it wrote a child of a Registry."""
    return request.resource in CHILDREN


def until_converged(writes: Iterable[Request], *, registries: int, children: int) -> float:
    """When the last child was there for the first time, and the last Registry told a status.

    Seconds since the epoch. Raises ClusterError when some of them were never written.
    """
    first: dict[tuple[str, str], float] = {}
    for one in writes:
        if one.code < 300 and (is_child(one) or is_told(one)):
            key = (STATUS if is_told(one) else one.resource, one.name)
            first[key] = min(one.answered, first.get(key, one.answered))
    expected = registries * (children + 1)
    if len(first) < expected:
        raise ClusterError("convergence", f"{len(first)} of {expected} objects were written")

    return max(first.values())


def is_told(request: Request) -> bool:
    """Whether it wrote the status of a Registry."""
    return request.resource == STATUS


def status_patches(writes: Iterable[Request]) -> Counter[str]:
    """Status patches by Registry."""
    return Counter(one.name for one in writes if is_told(one))


def latencies(
    disturbed: Sequence[Request], repairs: Sequence[Request], *, resource: str
) -> list[float]:
    """Seconds from the receipt of each disturbance to the answer to the first repair after it.

    From the receipt, as watches tell of a write before its answer is out. Disturbances and repairs
    are of `resource` and of one name. Raises ClusterError for what was never repaired.
    """
    answered: dict[str, list[float]] = {}
    for one in repairs:
        if one.resource == resource and one.code < 300:
            answered.setdefault(one.name, []).append(one.answered)
    taken = []
    for one in disturbed:
        later = [at for at in answered.get(one.name, ()) if at > one.received]
        if not later:
            raise ClusterError("repair", f"{resource} {one.name} was not repaired")
        taken.append(min(later) - one.received)

    return taken
