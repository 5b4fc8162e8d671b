"""Everything that can go wrong between us and the API server, as one tree.

In flow a status code, a body and the headers of an answer that was no success (or a failed
connection); out flows a typed exception whose message says method, path and the server's reason.
Why so: callers decide by class, and no text that we sent (it may be a Secret) finds its way into
a log, an event or a condition.

    KubeError
      TransportError       no answer; `sent` says whether the server may have acted
        RequestTimeout     no answer in time
      CodecError           an answer that is not what it should be
      ApiError             an answer that says no: one class per reason (meta/v1 StatusReason)
"""

# ruff: noqa: N818 - the names are the API server's own reasons

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from registry_operator.kube.refusal import (
    cut,
    parse_retry_after,
    quotes_secret,
    scrubbed,
    status_fields,
)

_LONGEST_MESSAGE: Final = 1024


class KubeError(Exception):
    """Root of what this package raises on its own behalf."""


class TransportError(KubeError):
    """No answer came. `sent` is False only when the server cannot have seen the request."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class RequestTimeout(TransportError):
    """No answer, or no further byte of it, came in time."""


class CodecError(KubeError):
    """An answer could not be understood."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One of the causes of a failure (meta/v1 StatusCause); `field` is a JSON path or ""."""

    reason: str
    message: str
    field: str


class ApiError(KubeError):
    """The API server refused. `retry_after` is in seconds, None when the server named no time."""

    reasons: ClassVar[tuple[str, ...]] = ()
    statuses: ClassVar[tuple[int, ...]] = ()

    def __init__(  # noqa: PLR0913 - the fields of meta/v1 Status
        self,
        status: int,
        *,
        reason: str = "",
        message: str = "",
        details: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
        context: str = "",
    ) -> None:
        self.status = status
        self.reason = reason
        self.message = message
        self.details: Mapping[str, Any] = details or {}
        self.retry_after = retry_after
        where = f"{context}: " if context else ""
        super().__init__(f"{where}{status} {reason or type(self).__name__}: {message}".strip(": "))

    @property
    def causes(self) -> tuple[Cause, ...]:
        """What exactly was wrong, field by field, as far as the server said."""
        causes = self.details.get("causes") or ()
        return tuple(
            Cause(str(c.get("reason", "")), str(c.get("message", "")), str(c.get("field", "")))
            for c in causes
            if isinstance(c, Mapping)
        )

    @property
    def is_namespace_terminating(self) -> bool:
        """Nothing can be created as the namespace is being deleted (NamespaceLifecycle)."""
        return (
            any(cause.reason == "NamespaceTerminating" for cause in self.causes)
            or "because it is being terminated" in self.message
        )

    @property
    def is_quota_exceeded(self) -> bool:
        """A ResourceQuota stands in the way (apiserver, ResourceQuota admission)."""
        return self.status == 403 and (
            "exceeded quota: " in self.message or "failed quota: " in self.message
        )

    @property
    def is_admission_denied(self) -> bool:
        """A webhook, a policy, Pod Security or the size of a volume refused, with any status."""
        return _ADMISSION.search(self.message) is not None

    @property
    def is_resource_version_too_large(self) -> bool:
        """This server, one of several, has not seen that resourceVersion yet."""
        return (
            any(cause.reason == "ResourceVersionTooLarge" for cause in self.causes)
            or "Too large resource version" in self.message
        )

    @classmethod
    def from_response(
        cls,
        status: int,
        body: bytes,
        *,
        method: str = "",
        path: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> "ApiError":
        """Make the fitting error of an answer; header names are expected in lower case.

        A refused write of a Secret keeps only reason and field paths of a 400 or 422: the server
        quotes invalid values.
        """
        fields = status_fields(body)
        retry_after = parse_retry_after((headers or {}).get("retry-after"))
        if fields is None:
            fields = {"message": cut(body)}
        if quotes_secret(status, method=method, path=path, structured="status" in fields):
            fields = scrubbed(fields)
        return cls.from_status(
            fields, status=status, context=f"{method} {path}".strip(), retry_after=retry_after
        )

    @classmethod
    def from_status(
        cls,
        body: Mapping[str, Any],
        *,
        status: int | None = None,
        context: str = "",
        retry_after: float | None = None,
    ) -> "ApiError":
        """Make the fitting error of a decoded meta/v1 Status, as in a watch's ERROR event."""
        code = status if status is not None else body.get("code")
        code = code if isinstance(code, int) else 500
        reason = str(body.get("reason") or "")
        details = body.get("details")
        details = details if isinstance(details, Mapping) else {}
        if retry_after is None and details.get("retryAfterSeconds"):
            retry_after = float(details["retryAfterSeconds"])
        return _class_of(code, reason)(
            code,
            reason=reason,
            message=str(body.get("message") or "")[:_LONGEST_MESSAGE],
            details=details,
            retry_after=retry_after,
            context=context,
        )


class BadRequest(ApiError):
    reasons, statuses = ("BadRequest",), (400,)


class Unauthorized(ApiError):
    reasons, statuses = ("Unauthorized",), (401,)


class Forbidden(ApiError):
    """RBAC, quota, a terminating namespace or admission said no: the helpers tell which."""

    reasons, statuses = ("Forbidden",), (403,)

    @property
    def verb(self) -> str:
        """The verb RBAC did not grant, "" if this is something else."""
        match = _RBAC.search(self.message)
        return match["verb"] if match else ""

    @property
    def resource_text(self) -> str:
        """What RBAC did not grant it on: `deployments.apps`, `widgets.example.org/status`, ""."""
        match = _RBAC.search(self.message)
        if match is None:
            return ""
        plural, _, subresource = match["resource"].partition("/")
        group = f".{match['group']}" if match["group"] else ""
        return f"{plural}{group}{'/' if subresource else ''}{subresource}"


class NotFound(ApiError):
    reasons, statuses = ("NotFound",), (404,)


class MethodNotAllowed(ApiError):
    reasons, statuses = ("MethodNotAllowed",), (405,)


class Conflict(ApiError):
    """A precondition failed, or another manager owns a field of our apply."""

    reasons, statuses = ("Conflict",), (409,)


class AlreadyExists(ApiError):
    reasons = ("AlreadyExists",)


class Gone(ApiError):
    """The resourceVersion or the continue token is too old: list again."""

    reasons, statuses = ("Gone", "Expired"), (410,)


class Invalid(ApiError):
    reasons, statuses = ("Invalid",), (422,)


class TooManyRequests(ApiError):
    reasons, statuses = ("TooManyRequests",), (429,)


class InternalError(ApiError):
    reasons, statuses = ("InternalError",), (500,)


class StorageReadError(ApiError):
    """The server's storage holds an object that cannot be read (KEP-3926).

    Deleting it breaks the watch history: no event can tell it.
    """

    reasons = ("StorageReadError",)


class ServiceUnavailable(ApiError):
    reasons, statuses = ("ServiceUnavailable",), (503,)


class ServerTimeout(ApiError):
    """The server gave up on its own work (reasons Timeout and ServerTimeout)."""

    reasons, statuses = ("ServerTimeout", "Timeout"), (504,)


_ADMISSION: Final = re.compile(
    r"admission webhook .* denied the request"
    r"|ValidatingAdmissionPolicy .* denied request"
    r"|violates PodSecurity"
    r"|only dynamically provisioned pvc can be resized"
)
_RBAC: Final = re.compile(
    r'cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
)
_CLASSES: Final = (
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    AlreadyExists,
    Gone,
    Invalid,
    TooManyRequests,
    InternalError,
    StorageReadError,
    ServiceUnavailable,
    ServerTimeout,
)
_BY_REASON: Final = {reason: cls for cls in _CLASSES for reason in cls.reasons}
_BY_STATUS: Final = {status: cls for cls in _CLASSES for status in cls.statuses}


def _class_of(status: int, reason: str) -> type[ApiError]:
    return _BY_REASON.get(reason) or _BY_STATUS.get(status) or ApiError
