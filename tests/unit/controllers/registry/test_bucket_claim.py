"""The BucketClaim: asked for once, and only when its end is guarded."""

from collections.abc import Mapping
from typing import Any

import pytest

from controllers.registry.bucket_claim import KIND, desired
from controllers.registry.finalizer import FINALIZER
from controllers.registry.inputs import CosiObjects
from registry_operator.runtime.outcome import Blocked
from registry_operator.testing.builders import EMPTY_DIR, S3, a_registry
from tests.unit.controllers.registry.snapshots import a_cosi_registry, a_snapshot, body_of

SERVED = CosiObjects(served=True)


def test_it_asks_for_the_class_by_s3() -> None:
    body = body_of(desired(a_snapshot(a_cosi_registry(), cosi=SERVED)))

    assert body == {
        "metadata": {"namespace": "team-a", "name": "images"},
        "spec": {"bucketClassName": "fast", "protocols": ["S3"]},
    }


@pytest.mark.parametrize("storage", [None, S3, EMPTY_DIR])
def test_other_storage_claims_nothing(storage: Mapping[str, Any] | None) -> None:
    assert desired(a_snapshot(a_registry(storage=storage), cosi=SERVED)) == ()


def test_without_cosi_it_waits() -> None:
    outcome = desired(a_snapshot(a_cosi_registry()))

    assert isinstance(outcome, Blocked)
    assert outcome.reason == "CosiNotInstalled"


def test_a_bucket_that_goes_along_is_claimed_after_the_finalizer_is_set() -> None:
    registry = a_cosi_registry(deletionPolicy="Delete")
    waiting = desired(a_snapshot(registry, cosi=SERVED))
    assert isinstance(waiting, Blocked)
    assert waiting.reason == "WaitingForFinalizer"

    registry["metadata"]["finalizers"] = [FINALIZER]
    assert body_of(desired(a_snapshot(registry, cosi=SERVED)))


def test_it_holds_data() -> None:
    assert KIND.outlives_owner
    assert KIND.create_only
    assert KIND.may_prune is None
