"""Names of children, and whose they are."""

import base64

from controllers.registry import child
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import a_pod, a_registry, an_object

OWNER = an_object(a_registry())


def test_names_follow_from_the_owner() -> None:
    assert child.name(OWNER) == "images"
    assert child.name(OWNER, "x") == "images-x"
    assert child.key(OWNER, "x") == ObjectKey("team-a", "images-x")
    assert child.metadata(OWNER, "x") == {"namespace": "team-a", "name": "images-x"}


def test_the_owner_of_a_child_is_told_by_its_label() -> None:
    assert child.owner_key(an_object(a_pod(a_registry()))) == (ObjectKey("team-a", "images"),)
    assert child.owner_key(Object.of({"metadata": {"name": "x", "namespace": "y"}})) == ()


def test_text_is_encoded_as_a_secret_holds_it() -> None:
    assert base64.b64decode(child.encoded("ä\n")).decode() == "ä\n"
