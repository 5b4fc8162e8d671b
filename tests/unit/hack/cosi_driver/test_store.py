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
