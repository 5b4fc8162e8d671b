"""The scale subresource: the replicas of anything, in one shape (autoscaling/v1).

In flow an object and the paths at which its kind keeps the numbers; out flow a Scale, and the
object with the replicas that a Scale asks for.
"""

from typing import Any

from registry_operator.kube.errors import Cause, InternalError
from registry_operator.testing.fake_api.kinds.kind import Kind
from registry_operator.testing.fake_api.refusals import bad_request, invalid
from registry_operator.testing.fake_api.storage import Body

_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(kind: Kind, body: Body, *, may_be_unset: bool = False) -> Body:
    """Return an object as a Scale.

    Raises InternalError when nobody said how many, unless that `may_be_unset`: to be patched.
    """
    assert kind.scale is not None
    replicas = _at(body, kind.scale.replicas)
    if replicas is None and may_be_unset:
        replicas = 0
    if replicas is None:
        path = "." + ".".join(kind.scale.replicas)
        message = f'Internal error occurred: the spec replicas field "{path}" does not exist'
        raise InternalError(500, reason="InternalError", message=message)
    metadata = body["metadata"]
    status: Body = {"replicas": _at(body, kind.scale.current) or 0}
    selector = _at(body, kind.scale.selector) if kind.scale.selector else None
    if isinstance(selector, dict):
        selector = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    if selector:
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in _METADATA if name in metadata},
        "spec": {"replicas": replicas},
        "status": status,
    }


def scaled(kind: Kind, body: Body, scale: Body) -> Body:
    """Return the object with the replicas of a Scale. Raises Invalid, BadRequest."""
    assert kind.scale is not None
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise bad_request("Scale cannot be handled as a Scale: spec.replicas is no number")
    if replicas < 0:
        path = ("" if kind.is_typed else ".") + ".".join(kind.scale.replicas)
        message = f"Invalid value: {replicas}: should be a non-negative integer"
        cause = Cause("FieldValueInvalid", message, path)
        raise invalid(kind.resource, body["metadata"]["name"], [cause])
    return _with(body, kind.scale.replicas, replicas)


def _at(body: Body, path: tuple[str, ...]) -> Any:
    value: Any = body
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _with(body: Body, path: tuple[str, ...], value: Any) -> Body:
    name, rest = path[0], path[1:]
    return body | {name: _with(body.get(name, {}), rest, value) if rest else value}
