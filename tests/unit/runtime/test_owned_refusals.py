"""The generic reconciler of one owned kind, when the API server says no."""

from typing import Any

import pytest

from registry_operator.kube.errors import (
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    ServiceUnavailable,
    TransportError,
)
from registry_operator.runtime.operator import Operator
from registry_operator.runtime.outcome import After, Done, Outcome
from registry_operator.testing.virtual_loop import VirtualClock
from tests.example_operator import GREETING
from tests.unit.runtime.owned_stage import OWNER, OwnedStage, reason_of, writes_children


@pytest.fixture
def stage(clock: VirtualClock) -> OwnedStage:
    return OwnedStage(clock)


def outcome(operator: Operator) -> Outcome:
    return operator.outcomes.of(OWNER)["config-map"].outcome


QUOTA = Forbidden(403, reason="Forbidden", message="exceeded quota: q, requested: configmaps=1")


class TestRefusedWrites:
    """What the API server says no to."""

    @pytest.mark.parametrize(
        ("error", "reason"),
        [(QUOTA, "QuotaExceeded"), (Invalid(422, reason="Invalid", message="data: bad"), "Rejected")],
    )  # fmt: skip
    async def test_are_told_tried_at_a_steady_pace_and_heal(
        self, stage: OwnedStage, error: ApiError, reason: str
    ) -> None:
        stage.api.faults.plan(writes_children, error, times=None)
        stage.greet("ann")
        async with stage.running() as operator:
            for _ in range(60):
                # Whatever wakes us: the owner's status, say, changes all the time.
                stage.api.change(GREETING, OWNER, lambda body: body.update(status={"a": stage.clock.now().isoformat()}))  # fmt: skip
                await stage.settle(5)
            assert 9 <= len([r for r in stage.new_writes() if writes_children(r)]) <= 12
            assert reason_of(outcome(operator)) == reason

            stage.api.faults.clear()
            await stage.settle(31)
            assert outcome(operator) == Done()
            assert stage.names() == ["hi-ann"]

    async def test_are_tried_at_once_when_the_wish_changed(self, stage: OwnedStage) -> None:
        stage.api.faults.plan(writes_children, QUOTA)
        stage.greet("ann")
        async with stage.running() as operator:
            assert reason_of(outcome(operator)) == "QuotaExceeded"
            stage.greet("bob")
            await stage.settle(1)

            assert stage.names() == ["hi-bob"]

    @pytest.mark.parametrize(
        "error",
        [
            Conflict(409, reason="Conflict", message="try again"),
            ServiceUnavailable(503, reason="ServiceUnavailable", message="later"),
            TransportError("connection refused", sent=False),
        ],
    )
    async def test_that_may_pass_are_retried_with_back_off_and_told(
        self, stage: OwnedStage, error: ApiError | TransportError
    ) -> None:
        stage.api.faults.plan(writes_children, error, times=8)
        stage.greet("ann")
        async with stage.running() as operator:
            # The stage waits long enough for all of it: 5 ms doubled eight times are 1.3 s.
            assert outcome(operator) == Done()
            assert stage.names() == ["hi-ann"]

            stage.api.faults.plan(writes_children, error, times=None)
            stage.change_child(data={"text": "x"})
            await stage.settle(5)
            told = outcome(operator)
            assert reason_of(told) == "WriteFailed"
            assert "write ConfigMap of ns/hi" in getattr(told, "message", "")

    async def test_a_namespace_that_ends_is_left_in_peace(self, stage: OwnedStage) -> None:
        message = "unable to create new content in namespace ns because it is being terminated"
        error = Forbidden(403, reason="Forbidden", message=message)
        stage.api.faults.plan(writes_children, error, times=None)
        stage.greet("ann")
        async with stage.running() as operator:
            stage.new_writes()
            await stage.settle(3600)

            assert reason_of(outcome(operator)) == "NamespaceTerminating"
            assert stage.new_writes() == []

    async def test_a_refused_deletion_is_told(self, stage: OwnedStage) -> None:
        def deletes(request: Any) -> bool:
            return bool(request.method == "DELETE")

        rbac = 'User "u" cannot delete resource "configmaps" in API group "" in the namespace "ns"'
        stage.greet("ann")
        async with stage.running() as operator:
            stage.api.faults.plan(deletes, Forbidden(403, reason="Forbidden", message=rbac))
            stage.greet()
            await stage.settle(1)
            told = outcome(operator)
            assert isinstance(told, After)
            assert "the right to delete configmaps" in told.message
            await stage.settle(31)

            assert stage.names() == []
