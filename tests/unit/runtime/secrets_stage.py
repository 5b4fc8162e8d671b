"""The one kind that tests of the reading half play with, and short ways to make objects of it."""

from typing import Any

from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey, Resource

SECRETS = Resource("", "v1", "Secret", "secrets")
PATH = "/api/v1/secrets"


def a_body(name: str, version: int, *, uid: str = "", **metadata: Any) -> dict[str, Any]:
    """A Secret `n/<name>` whose uid is its name unless told otherwise."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": "n",
            "uid": uid or name,
            "resourceVersion": str(version),
            **metadata,
        },
    }


def a_secret(name: str, version: int, *, uid: str = "", **metadata: Any) -> Object:
    return Object.of(a_body(name, version, uid=uid, **metadata))


def key(name: str) -> ObjectKey:
    return ObjectKey("n", name)
