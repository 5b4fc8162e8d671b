"""The shared http.secret: random, encoded, made once."""

import base64

from controllers.registry.http_secret import DATA_KEY, KIND, desired, secret_key
from registry_operator.testing.builders import a_registry, an_object
from tests.unit.controllers.registry.snapshots import a_snapshot, body_of


def test_it_holds_a_random_value_and_never_changes() -> None:
    body = body_of(desired(a_snapshot()))

    assert body["metadata"] == {"namespace": "team-a", "name": "images-http-secret"}
    assert base64.b64decode(body["data"][DATA_KEY]) == b"random"
    assert body["immutable"] is True


def test_it_is_made_once_and_goes_with_its_owner() -> None:
    assert KIND.create_only
    assert not KIND.outlives_owner
    assert str(secret_key(an_object(a_registry("x")))) == "team-a/x-http-secret"
