"""Accounts of the store: what they may do, and that they keep their keys."""

from __future__ import annotations

from hack.cluster.aws import Keys
from hack.cosi_driver.store import ALL, Store
from tests.unit.hack.cosi_driver.fake_store import FakeStore

KEYS = Keys(access="A", secret="S")


def test_an_account_may_do_what_it_was_last_allowed_by_the_same_keys() -> None:
    fake = FakeStore()
    store = Store(fake)

    store.make_account("images", KEYS, bucket="images", actions=("s3:List*",))
    assert fake.policy("images")["Statement"][0]["Action"] == ["s3:List*"]

    store.make_account("images", KEYS, bucket="images")
    assert fake.policy("images")["Statement"][0]["Action"] == [*ALL]
    assert fake.keys("images") == {"A": "S"}


def test_an_account_of_some_folders_lists_the_bucket_and_does_nothing_else_outside_of_them() -> (
    None
):
    fake = FakeStore()

    Store(fake).make_account("images", KEYS, bucket="images", folders=("blobs", "a/b"))

    below, all_of_it = fake.policy("images")["Statement"]
    assert below["Action"] == [*ALL]
    assert below["Resource"] == ["arn:aws:s3:::images/blobs/*", "arn:aws:s3:::images/a/b/*"]
    assert all_of_it["Action"] == ["s3:List*"]
