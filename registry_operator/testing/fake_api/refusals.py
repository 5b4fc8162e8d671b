"""How the API server says no: the errors of its answers, with its own words and details.

In flow what was refused; out flow ApiErrors of the shapes that k8s.io/apimachinery (api/errors)
makes.
"""

from collections.abc import Sequence
from typing import Any

from registry_operator.kube.errors import (
    AlreadyExists,
    BadRequest,
    Cause,
    Conflict,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    ServerTimeout,
)
from registry_operator.kube.resource import Resource

_MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def not_found(resource: Resource, name: str) -> NotFound:
    """Nothing has this name."""
    return NotFound(
        404,
        reason="NotFound",
        message=f'{resource} "{name}" not found',
        details=_about(resource, name, resource.plural),
    )


def already_exists(resource: Resource, name: str, *, is_leaving: bool = False) -> AlreadyExists:
    """The name is taken, by something that may be on its way out."""
    prefix = "object is being deleted: " if is_leaving else ""
    return AlreadyExists(
        409,
        reason="AlreadyExists",
        message=f'{prefix}{resource} "{name}" already exists',
        details=_about(resource, name, resource.plural),
    )


def modified(resource: Resource, name: str) -> Conflict:
    """The object has another resourceVersion by now."""
    return Conflict(
        409,
        reason="Conflict",
        message=f'Operation cannot be fulfilled on {resource} "{name}": {_MODIFIED}',
        details=_about(resource, name, resource.plural),
    )


def precondition(resource: Resource, name: str, message: str) -> Conflict:
    """What a deletion is to be about is not what there is."""
    kind = _kind(resource)
    return Conflict(
        409,
        reason="Conflict",
        message=f'Operation cannot be fulfilled on {kind} "{name}": {message}',
        details=_about(resource, name, resource.kind),
    )


def invalid(resource: Resource, name: str, causes: Sequence[Cause]) -> Invalid:
    """The object is not valid, field by field."""
    told = [f"{cause.field}: {cause.message}" for cause in causes]
    message = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    listed = [{"reason": c.reason, "message": c.message, "field": c.field} for c in causes]
    return Invalid(
        422,
        reason="Invalid",
        message=f'{_kind(resource)} "{name}" is invalid: {message}',
        details=_about(resource, name, resource.kind) | {"causes": listed},
    )


def unversioned(resource: Resource, name: str) -> Invalid:
    """A PUT does not say which version it replaces."""
    plural = Resource(resource.group, resource.version, resource.plural, resource.plural)
    cause = Cause(
        "FieldValueInvalid",
        "Invalid value: 0: must be specified for an update",
        "metadata.resourceVersion",
    )
    return invalid(plural, name, [cause])


def invalid_options(kind: str, causes: Sequence[Cause]) -> Invalid:
    """The parameters of a request are not valid."""
    return invalid(Resource("meta.k8s.io", "v1", kind, kind), "", causes)


def bad_request(message: str) -> BadRequest:
    """The request makes no sense."""
    return BadRequest(400, reason="BadRequest", message=message)


def undecodable(resource: Resource, *, at: str, found: str) -> BadRequest:
    """A value of the wrong type stands in an object that the server has a Go type for."""
    return bad_request(
        f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}:'
        f" json: cannot unmarshal {found} into Go struct field {at}"
    )


def unpatchable(*, at: str, found: str) -> Invalid:
    """What a patch makes of an object has a value of the wrong type."""
    message = f"Invalid value: cannot unmarshal {found} into Go struct field {at}"
    return invalid(Resource("", "", "", ""), "", [Cause("FieldValueInvalid", message, "patch")])


def not_allowed(message: str) -> MethodNotAllowed:
    """This path has no such verb."""
    return MethodNotAllowed(405, reason="MethodNotAllowed", message=message)


def too_large(asked: int, current: int) -> ServerTimeout:
    """This server has not seen that resourceVersion yet, and waited for it in vain."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return ServerTimeout(
        504,
        reason="Timeout",
        message=f"Timeout: Too large resource version: {asked}, current: {current}",
        details={"causes": [cause], "retryAfterSeconds": 1},
        retry_after=1,
    )


def namespace_terminating(resource: Resource, name: str, namespace: str) -> Forbidden:
    """Nothing new comes into a namespace that is ending (NamespaceLifecycle)."""
    told = (
        f'{resource} "{name}" is forbidden: unable to create new content in namespace {namespace}'
        " because it is being terminated"
    )
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    details = _about(resource, name, resource.plural) | {"causes": [cause]}
    return Forbidden(403, reason="Forbidden", message=told, details=details)


def denied_by_webhook(webhook: str, message: str, *, status: int = 403) -> Forbidden:
    """An admission webhook refused."""
    told = f'admission webhook "{webhook}" denied the request: {message}'
    return Forbidden(status, reason="Forbidden", message=told)


def over_quota(resource: Resource, name: str, *, quota: str, what: str) -> Forbidden:
    """A ResourceQuota is used up; `what` is like `requested: pods=1, used: pods=3, …`."""
    told = f'{resource} "{name}" is forbidden: exceeded quota: {quota}, {what}'
    details = _about(resource, name, resource.plural)
    return Forbidden(403, reason="Forbidden", message=told, details=details)


def not_resizable(resource: Resource, name: str) -> Forbidden:
    """The class of a claim does not let its volume grow (PersistentVolumeClaimResize)."""
    told = (
        f'{resource} "{name}" is forbidden: only dynamically provisioned pvc can be resized and the'
        " storageclass that provisions the pvc must support resize"
    )
    details = _about(resource, name, resource.plural)
    return Forbidden(403, reason="Forbidden", message=told, details=details)


def _kind(resource: Resource) -> str:
    return f"{resource.kind}.{resource.group}" if resource.group else resource.kind


def _about(resource: Resource, name: str, kind: str) -> dict[str, Any]:
    about = {"name": name, "group": resource.group, "kind": kind}
    return {word: text for word, text in about.items() if text}
