"""What is stuck, told from what is slow, and in words that do not change by themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controllers.registry import stuck
from registry_operator.testing.builders import (
    a_registry,
    an_object,
    deleting,
)
from registry_operator.testing.claims import a_bucket, a_bucket_access, a_users_claim

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("age", "left"),
    [(0, 60.0), (20, 40.0), (60, 0.0), (3600, 0.0), (-7200, 60.0)],
)
def test_it_is_too_early_for_the_rest_of_the_patience_and_never_for_more(
    age: float, left: float
) -> None:
    assert stuck.too_early(NOW - timedelta(seconds=age), MINUTE, now=NOW) == left


def test_what_has_no_age_is_old_enough() -> None:
    assert stuck.too_early(None, MINUTE, now=NOW) == 0.0


def test_a_deletion_that_does_not_end_is_told_with_what_holds_it_and_the_command() -> None:
    access = deleting(a_bucket_access(a_registry()), finalizers=["a.io/x", "a.io/y"])
    told = stuck.held(an_object(access))

    assert told.startswith(
        "BucketAccess images is being deleted since 2026-01-01T00:00:00Z, held by a.io/x, a.io/y: "
    )
    assert told.endswith(
        "kubectl -n team-a patch bucketaccess images --type=json "
        """-p '[{"op": "remove", "path": "/metadata/finalizers"}]'"""
    )


def test_a_claim_that_was_forgotten_is_told_with_the_command() -> None:
    told = stuck.forgotten(an_object(a_users_claim(ready=False)))

    assert told.startswith("BucketClaim theirs is not ready though its bucket is")
    assert told.endswith(
        "kubectl -n team-a patch bucketclaim theirs --subresource=status --type=merge "
        """-p '{"status": {"bucketReady": true}}'"""
    )


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ({"bucketReady": False, "bucketName": "bucket-1"}, "bucket-1"),
        ({"bucketName": "bucket-1"}, "bucket-1"),
        ({"bucketReady": True, "bucketName": "bucket-1"}, None),
        ({"bucketReady": False}, None),
        ({"bucketReady": False, "bucketName": ""}, None),
        # Of a claim that imports a bucket it is what a user wrote.
        ({"bucketReady": False, "bucketName": "../secrets"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_claim_waits_for_a_bucket_when_it_has_one_and_is_not_ready(
    status: dict[str, Any] | None, name: str | None
) -> None:
    assert stuck.bucket_of(an_object({**a_users_claim(), "status": status})) == name


def test_a_bucket_proves_something_about_its_own_claim_only_when_it_is_ready_and_lasts() -> None:
    claim = a_users_claim(ready=False)
    bucket, of_claim = a_bucket(claim), an_object(claim)
    assert stuck.is_made_for(an_object(bucket), of_claim)

    for wrong in (
        a_bucket(claim, ready=False),
        {**bucket, "status": {"bucketReady": True}},
        {**bucket, "status": None},
        {**bucket, "spec": {}},
        {**bucket, "spec": {"bucketClaim": {"uid": "uid-of-the-one-before"}}},
        deleting(bucket),
    ):
        assert not stuck.is_made_for(an_object(wrong), of_claim)
