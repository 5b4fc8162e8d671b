import pytest

from hack.bench.written import (
    STATUS,
    is_child,
    is_event,
    latencies,
    status_patches,
    until_converged,
)
from hack.cluster.audit import Request
from hack.cluster.error import ClusterError


def a_write(resource: str, name: str = "images", *, at: float = 0.0, code: int = 200) -> Request:
    return Request(
        verb="patch",
        resource=resource,
        namespace="team-a",
        name=name,
        user="operator",
        code=code,
        user_agent="",
        received=at - 0.5,
        answered=at,
    )


@pytest.mark.parametrize("resource", ["events", "events.k8s.io/events"])
def test_events_of_both_groups_are_events_and_no_children(resource: str) -> None:
    assert is_event(a_write(resource))
    assert not is_child(a_write(resource))


@pytest.mark.parametrize("resource", ["secrets", "services", "serviceaccounts", "apps/deployments"])
def test_what_a_registry_owns_is_a_child(resource: str) -> None:
    assert is_child(a_write(resource))
    assert not is_event(a_write(resource))


@pytest.mark.parametrize("resource", ["apps/deployments/status", STATUS, "registry-operator.dev/x"])
def test_a_status_is_no_child(resource: str) -> None:
    assert not is_child(a_write(resource))


def test_a_world_has_converged_with_the_last_first_write() -> None:
    writes = [
        a_write("secrets", at=1),
        a_write("apps/deployments", at=2),
        a_write(STATUS, at=3),
        # Later ones, and what is refused, take nothing away from that.
        a_write(STATUS, at=9),
        a_write("secrets", at=9),
        a_write("secrets", "other", at=9, code=409),
        a_write("events", at=9),
    ]

    assert until_converged(writes, registries=1, children=2) == 3


def test_a_world_without_a_child_has_not_converged() -> None:
    writes = [a_write("secrets", at=1), a_write(STATUS, at=3)]

    with pytest.raises(ClusterError, match="2 of 3 objects were written"):
        until_converged(writes, registries=1, children=2)


def test_status_patches_are_counted_by_registry() -> None:
    writes = [a_write(STATUS), a_write(STATUS), a_write(STATUS, "copies"), a_write("secrets")]

    assert status_patches(writes) == {"images": 2, "copies": 1}


def test_a_repair_lasts_from_the_receipt_of_the_disturbance_to_the_first_success() -> None:
    disturbed = [a_write("services", "a", at=10), a_write("services", "b", at=20)]
    repairs = [
        a_write("services", "a", at=1),
        a_write("services", "a", at=10.25, code=409),
        a_write("secrets", "a", at=10.125),
        a_write("services", "a", at=10.5),
        a_write("services", "a", at=11),
        # A watch may tell of a write before its answer is out.
        a_write("services", "b", at=19.75),
    ]

    assert latencies(disturbed, repairs, resource="services") == [1.0, 0.25]


def test_what_is_never_repaired_is_an_error() -> None:
    with pytest.raises(ClusterError, match="services a was not repaired"):
        latencies([a_write("services", "a", at=10)], [], resource="services")
