"""JSON merge patch (RFC 7386) and JSON patch (RFC 6902), decided purely.

In flow a body and a patch; out flows the patched copy, or the error the API server answers with.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from registry_operator.kube.errors import BadRequest, Invalid


def merge_patched(body: Any, patch: Any) -> Any:
    """Lay a merge patch over a body: null removes, anything but an object replaces."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    result = dict(body) if isinstance(body, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patched(result.get(name), value)
    return result


def json_patched(body: Any, operations: Sequence[Mapping[str, Any]]) -> Any:
    """Carry out the operations in order. Raises Invalid when one fails, `test` above all."""
    result = copy.deepcopy(body)
    for operation in operations:
        result = _operated(result, operation)
    return result


def _operated(body: Any, operation: Mapping[str, Any]) -> Any:
    steps = [_unescaped(step) for step in str(operation["path"]).split("/")[1:]]
    name = operation["op"]
    if name not in {"add", "remove", "replace", "test"}:
        raise BadRequest(400, reason="BadRequest", message=f"unsupported operation {name!r}")
    if not steps:
        return copy.deepcopy(operation["value"])
    holder = body
    try:
        for step in steps[:-1]:
            holder = holder[_index(holder, step)]
        _act(holder, steps[-1], operation)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        message = "the server rejected our request due to an error in our request"
        raise Invalid(422, reason="Invalid", message=message) from error
    return body


def _act(holder: Any, step: str, operation: Mapping[str, Any]) -> None:
    name, value = operation["op"], copy.deepcopy(operation.get("value"))
    if name == "add" and isinstance(holder, list):
        holder.insert(len(holder) if step == "-" else int(step), value)
    elif name == "add":
        holder[step] = value
    elif name == "remove":
        del holder[_index(holder, step)]
    elif name == "replace":
        # What replaces nothing is added: so does the library that the API server uses.
        holder[_index(holder, step)] = value
    elif holder[_index(holder, step)] != value:
        raise ValueError("test failed")


def _index(holder: Any, step: str) -> int | str:
    return int(step) if isinstance(holder, list) else step


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")
