"""An object as clusters hold them by the thousand: a Deployment of ours, with who owns which field.

In flows a number; out flow bytes. Without managedFields, which caches do not keep, it is 4.3 KB.
"""

from __future__ import annotations

from typing import Any

import orjson

from hack.bench.recording import Recording

SIZE = 4300
_NAMESPACE = "bench"


def a_deployment(recording: Recording, number: int) -> bytes:
    """Deployment `number`, `SIZE` bytes long and with some 2 KB of managedFields."""
    name = f"images-{number}"
    uid = f"00000000-0000-4000-8000-{number:012d}"
    requests = recording.retold(namespace=_NAMESPACE, name=name, uid=uid)
    body = next(one.body for one in requests if "/deployments/" in one.path) or b""
    deployment: dict[str, Any] = orjson.loads(body)
    metadata = deployment["metadata"]
    metadata |= {"uid": uid, "resourceVersion": str(1000 + number), "generation": 1}
    variable = {"name": "FILLING", "value": ""}
    deployment["spec"]["template"]["spec"]["containers"][0]["env"].append(variable)
    variable["value"] = "x" * (SIZE - len(orjson.dumps(deployment)))
    metadata["managedFields"] = [_ownership(deployment["spec"])]

    return orjson.dumps(deployment)


def _ownership(spec: dict[str, Any]) -> dict[str, Any]:
    """FieldsV1 of a specification, near enough: each key behind `f:`."""

    def marked(value: object) -> object:
        if isinstance(value, dict):
            return {f"f:{key}": marked(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return {f"k:{number}": marked(inner) for number, inner in enumerate(value)}
        return {}

    return {
        "manager": "registry-operator/deployment",
        "operation": "Apply",
        "fieldsType": "FieldsV1",
        "fieldsV1": marked({"spec": spec}),
    }
