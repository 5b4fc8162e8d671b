"""The BucketClaim: asked for once, and only when its end is guarded."""

from collections.abc import Mapping
from typing import Any

import pytest

from controllers.registry.bucket_claim import KIND, desired
from controllers.registry.finalizer import FINALIZER
from controllers.registry.inputs import Children, CosiObjects
from controllers.registry.moving import ANNOTATION
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.testing.builders import (
    CLAIMED,
    EMPTY_DIR,
    S3,
    a_deployment,
    a_registry,
    an_object,
)
from registry_operator.testing.claims import a_bucket_claim
from tests.unit.controllers.registry.snapshots import a_cosi_registry, a_snapshot, body_of

SERVED = CosiObjects(served=True)


def test_it_asks_for_the_class_by_s3() -> None:
    body = body_of(desired(a_snapshot(a_cosi_registry(), cosi=SERVED)))

    assert body == {
        "metadata": {"namespace": "team-a", "name": "images"},
        "spec": {"bucketClassName": "fast", "protocols": ["S3"]},
    }


@pytest.mark.parametrize("storage", [None, S3, EMPTY_DIR, CLAIMED])
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


def test_no_bucket_is_claimed_for_nothing_where_the_images_are_elsewhere() -> None:
    registry = a_cosi_registry()
    elsewhere = a_deployment(registry)
    elsewhere["metadata"]["annotations"] = {ANNOTATION: "s3"}
    children = Children(deployment=an_object(elsewhere))
    outcome = desired(a_snapshot(registry, children=children, cosi=SERVED))
    assert isinstance(outcome, Stalled)
    assert outcome.reason == "MigrationRequired"

    there = CosiObjects(served=True, claim=an_object(a_bucket_claim(registry)))
    assert body_of(desired(a_snapshot(registry, children=children, cosi=there)))


def test_it_holds_data() -> None:
    assert KIND.outlives_owner
    assert KIND.create_only
    assert KIND.may_prune is None
