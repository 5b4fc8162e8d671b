"""Who says how many pods there are, and how the number is handed over."""

from typing import Any

import pytest

from controllers.registry import scaling
from controllers.registry.configuration import Configuration
from controllers.registry.deployment import desired
from controllers.registry.inputs import RegistryInputs
from controllers.registry.volume import too_many
from registry_operator.runtime.outcome import Blocked
from registry_operator.testing.builders import (
    EMPTY_DIR,
    S3,
    a_deployment,
    a_registry,
    an_object,
    owned_metadata,
)
from tests.unit.controllers.registry.snapshots import body_of, holding, serving

AUTOSCALED: dict[str, Any] = {"autoscaling": {"minReplicas": 2, "maxReplicas": 5}}
KEYS = holding(accessKey="A", secretKey="B")


def world(*, runs: int | None = 3, last: str | None = None, **spec: Any) -> RegistryInputs:
    """A Registry whose Deployment has so many pods, and says what was `last` said of them."""
    registry = a_registry(storage=S3, **spec)
    deployment = a_deployment(registry, replicas=runs or 0)
    if last is not None:
        deployment["metadata"]["annotations"] = {scaling.ANNOTATION: last}
    found = None if runs is None else an_object(deployment)
    return serving(registry, deployment=found, credentials=KEYS)


def said(**given: Any) -> tuple[Any, Any]:
    """The number in the Deployment that is wanted, and the mark on it; None where there is none."""
    body = body_of(desired(world(**given)))
    return (
        body["spec"].get("replicas"),
        body["metadata"].get("annotations", {}).get(scaling.ANNOTATION),
    )


def test_without_autoscaling_the_specification_says_it_and_no_mark_is_left() -> None:
    assert said(replicas=4) == (4, None)
    assert said(replicas=4, last="autoscaler") == (4, None)


def test_a_new_deployment_begins_with_the_fewest() -> None:
    assert said(runs=None, **AUTOSCALED) == (2, "2")


@pytest.mark.parametrize("runs", [1, 2, 8])
def test_pods_that_are_there_stay_when_an_autoscaler_takes_over(runs: int) -> None:
    assert said(runs=runs, **AUTOSCALED) == (runs, str(runs))


def test_the_number_is_said_until_somebody_else_says_another() -> None:
    assert said(runs=3, last="3", **AUTOSCALED) == (3, "3")
    assert said(runs=4, last="3", **AUTOSCALED) == (None, "autoscaler")


def test_once_handed_over_it_is_never_said_again() -> None:
    for runs in (0, 2, 3, 5):
        assert said(runs=runs, last="autoscaler", **AUTOSCALED) == (None, "autoscaler")


def test_a_deployment_of_none_is_started_as_an_autoscaler_leaves_it_alone() -> None:
    assert said(runs=0, **AUTOSCALED) == (2, "2")


def test_replicas_0_turn_an_autoscaled_registry_off() -> None:
    assert said(replicas=0, last="autoscaler", **AUTOSCALED) == (0, None)


def test_other_replicas_mean_nothing_to_an_autoscaled_registry() -> None:
    assert said(replicas=9, last="autoscaler", **AUTOSCALED) == (None, "autoscaler")


def test_the_configuration_is_made_for_the_most_pods_and_does_not_change_by_scaling() -> None:
    plans = [world(runs=runs, **AUTOSCALED).configuration for runs in (0, 2, 5)]
    names = {plan.secret_name for plan in plans if isinstance(plan, Configuration)}

    assert len(names) == 1
    assert scaling.most(world(**AUTOSCALED).wanted) == 5


def test_how_many_are_wanted_is_what_the_autoscaler_says() -> None:
    assert scaling.count(world(runs=4, **AUTOSCALED)) == 4
    assert scaling.count(world(runs=None, **AUTOSCALED)) == 2
    assert scaling.count(world(runs=4, replicas=1)) == 1


def test_pods_wait_until_an_autoscaler_that_is_to_go_is_gone() -> None:
    registry = a_registry(storage=S3, replicas=1)
    found = an_object({"metadata": owned_metadata(registry)})
    inputs = serving(registry, autoscaler=found, credentials=KEYS)

    assert isinstance(desired(inputs), Blocked)
    assert not isinstance(desired(world(**AUTOSCALED)), Blocked)


def test_storage_that_pods_do_not_share_refuses_the_most_pods_that_may_come() -> None:
    refused = too_many(serving(a_registry(storage=EMPTY_DIR, **AUTOSCALED)).wanted)

    assert refused is not None
    assert refused.reason == "ReplicasNeedSharedStorage"
    assert "spec.autoscaling.maxReplicas is 5" in refused.message
    assert "set spec.autoscaling.maxReplicas to 1" in refused.message


def test_one_pod_at_most_may_be_anywhere() -> None:
    one = a_registry(storage=EMPTY_DIR, autoscaling={"maxReplicas": 1})

    assert too_many(serving(one).wanted) is None
