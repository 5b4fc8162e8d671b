"""What the server refuses of its own kinds, as far as an operator can run into it.

In flow the new state and the old one; out flow causes, in the words of the API server
(k8s.io/kubernetes/pkg/apis/*/validation).
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from registry_operator.kube.errors import Cause
from registry_operator.testing.fake_api.kinds.kind import Rule
from registry_operator.testing.fake_api.schema.model import Body

_INVALID: Final = "FieldValueInvalid"
_IMMUTABLE: Final = "field is immutable"
_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+")
_DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def at(body: Body | None, path: str) -> Any:
    """Return what stands at a dotted path, None if nothing does."""
    value: Any = body
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def required(*paths: str) -> Rule:
    """Refuse an object without these."""

    def rule(new: Body, _old: Body | None) -> Iterator[Cause]:
        for path in paths:
            if not at(new, path):
                yield Cause("FieldValueRequired", "Required value", path)

    return rule


def immutable(*paths: str) -> Rule:
    """Refuse another value than the one that it was created with."""

    def rule(new: Body, old: Body | None) -> Iterator[Cause]:
        for path in paths:
            value = at(new, path)
            if old is not None and value != at(old, path):
                yield Cause(_INVALID, f"Invalid value: {_told(value)}: {_IMMUTABLE}", path)

    return rule


def not_negative(*paths: str) -> Rule:
    """Refuse numbers below zero."""

    def rule(new: Body, _old: Body | None) -> Iterator[Cause]:
        for path in paths:
            value = at(new, path)
            if isinstance(value, int) and value < 0:
                message = f"Invalid value: {value}: must be greater than or equal to 0"
                yield Cause(_INVALID, message, path)

    return rule


def not_both(one: str, other: str) -> Rule:
    """Refuse a budget that speaks of both (policy/v1)."""
    first, second = one.rpartition(".")[2], other.rpartition(".")[2]

    def rule(new: Body, _old: Body | None) -> Iterator[Cause]:
        if at(new, one) is not None and at(new, other) is not None:
            message = f"Invalid value: {first} and {second} cannot be both set"
            yield Cause(_INVALID, message, "spec")

    return rule


def bounds_in_order(new: Body, _old: Body | None) -> Iterator[Cause]:
    """Refuse an autoscaler that may have fewer pods than it must (autoscaling/v2)."""
    most, least = at(new, "spec.maxReplicas"), at(new, "spec.minReplicas")
    if isinstance(most, int) and isinstance(least, int) and most < least:
        message = f"Invalid value: {most}: must be greater than or equal to `minReplicas`"
        yield Cause(_INVALID, message, "spec.maxReplicas")


def selects_its_template(new: Body, _old: Body | None) -> Iterator[Cause]:
    """Refuse a selector that does not match the pods that it is to select."""
    wanted = at(new, "spec.selector.matchLabels") or {}
    labels = at(new, "spec.template.metadata.labels") or {}
    if not wanted or not wanted.items() <= labels.items():
        told = _told(labels or None)
        message = f"Invalid value: {told}: `selector` does not match template `labels`"
        yield Cause(_INVALID, message, "spec.template.metadata.labels")


def valid_keys(new: Body, _old: Body | None) -> Iterator[Cause]:
    """Refuse keys of a Secret or ConfigMap that can be no file's name."""
    for key in new.get("data") or {}:
        if not _KEY.fullmatch(key):
            message = (
                f'Invalid value: "{key}": a valid config key must consist of alphanumeric'
                " characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name',"
                " regex used for validation is '[-._a-zA-Z0-9]+')"
            )
            yield Cause(_INVALID, message, f"data[{key}]")


def immutable_content(new: Body, old: Body | None) -> Iterator[Cause]:
    """Refuse changes of a Secret or ConfigMap that was declared immutable."""
    if old is None or not old.get("immutable"):
        return
    message = "Forbidden: field is immutable when `immutable` is set"
    if not new.get("immutable"):
        yield Cause("FieldValueForbidden", message, "immutable")
    for name in ("data", "binaryData"):
        if new.get(name) != old.get(name):
            yield Cause("FieldValueForbidden", message, name)


def service_ports(new: Body, _old: Body | None) -> Iterator[Cause]:
    """Refuse a Service without ports, or with several that have no names or the same."""
    spec = new["spec"]
    ports = spec.get("ports") or []
    if not ports and spec["type"] != "ExternalName" and spec.get("clusterIP") != "None":
        yield Cause("FieldValueRequired", "Required value", "spec.ports")
    for index, port in enumerate(ports):
        if len(ports) > 1 and not port.get("name"):
            yield Cause("FieldValueRequired", "Required value", f"spec.ports[{index}].name")
        before = ports[:index]
        if port.get("name") and any(port["name"] == other.get("name") for other in before):
            message = f"Duplicate value: {_told(port['name'])}"
            yield Cause("FieldValueDuplicate", message, f"spec.ports[{index}].name")
        elif any(_number(port) == _number(other) for other in before):
            told = _told(dict(zip(("port", "protocol"), _number(port), strict=True)))
            yield Cause("FieldValueDuplicate", f"Duplicate value: {told}", f"spec.ports[{index}]")


def _number(port: Body) -> tuple[Any, ...]:
    return port["port"], port.get("protocol")


def service_name(new: Body, _old: Body | None) -> Iterator[Cause]:
    """Refuse what is no DNS label: a Service is looked up by its name."""
    name = new["metadata"]["name"]
    if not _DNS_LABEL.fullmatch(name) or len(name) > 63:
        message = (
            f'Invalid value: "{name}": a lowercase RFC 1123 label must consist of lower case'
            " alphanumeric characters or '-', and must start and end with an alphanumeric"
            " character (e.g. 'my-name',  or '123-abc', regex used for validation is"
            " '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        )
        yield Cause(_INVALID, message, "metadata.name")


def one_cluster_ip(new: Body, old: Body | None) -> Iterator[Cause]:
    """Refuse another clusterIP than the first."""
    before = at(old, "spec.clusterIP")
    after = at(new, "spec.clusterIP")
    leaves = at(new, "spec.type") == "ExternalName" or at(old, "spec.type") == "ExternalName"
    if before and before != after and not leaves:
        message = f"Invalid value: {_told([after])}: may not change once set"
        yield Cause(_INVALID, message, "spec.clusterIPs[0]")


def _told(value: Any) -> str:
    return orjson.dumps(value).decode()
