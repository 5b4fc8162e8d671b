"""The ServiceAccount: an identity without a token."""

from controllers.registry.service_account import desired
from tests.unit.controllers.registry.snapshots import a_snapshot, body_of


def test_it_hands_out_no_token() -> None:
    assert body_of(desired(a_snapshot())) == {
        "metadata": {"namespace": "team-a", "name": "images"},
        "automountServiceAccountToken": False,
    }
