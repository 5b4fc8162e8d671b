from collections.abc import Mapping

import pytest

from registry_operator.kube import errors
from registry_operator.kube.errors import ApiError, Forbidden, Invalid
from registry_operator.kube.refusal import parse_retry_after
from registry_operator.testing.fake_transport import a_status, an_answer


def error_of(
    status: int,
    reason: str = "",
    message: str = "",
    *,
    method: str = "GET",
    path: str = "/api/v1/pods",
    details: Mapping[str, object] | None = None,
) -> ApiError:
    body = an_answer(a_status(status, reason, message, details=details)).body
    return ApiError.from_response(status, body, method=method, path=path)


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (400, "BadRequest", errors.BadRequest),
        (401, "Unauthorized", errors.Unauthorized),
        (403, "Forbidden", errors.Forbidden),
        (404, "NotFound", errors.NotFound),
        (405, "MethodNotAllowed", errors.MethodNotAllowed),
        (409, "Conflict", errors.Conflict),
        (409, "AlreadyExists", errors.AlreadyExists),
        (410, "Gone", errors.Gone),
        (410, "Expired", errors.Gone),
        (422, "Invalid", errors.Invalid),
        (429, "TooManyRequests", errors.TooManyRequests),
        (500, "InternalError", errors.InternalError),
        (500, "StorageReadError", errors.StorageReadError),
        (500, "ServerTimeout", errors.ServerTimeout),
        (503, "ServiceUnavailable", errors.ServiceUnavailable),
        (504, "Timeout", errors.ServerTimeout),
        (418, "", ApiError),
    ],
)
def test_each_reason_has_its_class(status: int, reason: str, expected: type[ApiError]) -> None:
    assert type(error_of(status, reason)) is expected


def test_an_answer_without_reason_is_judged_by_its_status() -> None:
    error = ApiError.from_response(409, b"no JSON", method="PUT", path="/x")

    assert isinstance(error, errors.Conflict)
    assert str(error) == "PUT /x: 409 Conflict: no JSON"


def test_a_foreign_body_is_cut() -> None:
    error = ApiError.from_response(502, b"<html>\n" + b"x" * 10_000)

    assert len(error.message) == 256
    assert error.message.startswith("<html> xxx")


def test_json_that_is_no_status_is_taken_as_text() -> None:
    assert ApiError.from_response(500, b'{"a": 1}').message == '{"a": 1}'


def test_a_retry_after_is_read_from_the_header_or_from_the_details() -> None:
    by_header = ApiError.from_response(429, b"", headers={"retry-after": "7"})
    by_details = error_of(500, "ServerTimeout", details={"retryAfterSeconds": 3})

    assert by_header.retry_after == 7.0
    assert by_details.retry_after == 3.0


@pytest.mark.parametrize("value", [None, "Wed, 21 Oct 2026 07:28:00 GMT", "-1", ""])
def test_a_retry_after_that_is_no_number_of_seconds_is_none(value: str | None) -> None:
    assert parse_retry_after(value) is None


def test_causes_are_told_field_by_field() -> None:
    cause = {"reason": "FieldValueInvalid", "message": "must be positive", "field": "spec.x"}
    error = error_of(422, "Invalid", details={"causes": [cause, "odd"]})

    assert error.causes == (errors.Cause("FieldValueInvalid", "must be positive", "spec.x"),)


def test_rbac_names_verb_and_resource() -> None:
    message = (
        'registries.example.org "a" is forbidden: User "u" cannot patch resource '
        '"registries/status" in API group "example.org" in the namespace "ns"'
    )
    error = error_of(403, "Forbidden", message)

    assert isinstance(error, Forbidden)
    assert (error.verb, error.resource_text) == ("patch", "registries.example.org/status")


def test_the_core_group_is_not_named() -> None:
    message = 'User "u" cannot list resource "secrets" in API group "" at the cluster scope'
    error = error_of(403, "Forbidden", message)

    assert isinstance(error, Forbidden)
    assert (error.verb, error.resource_text) == ("list", "secrets")


def test_another_refusal_names_no_verb() -> None:
    error = error_of(403, "Forbidden", "exceeded quota: q, requested: pods=1")

    assert isinstance(error, Forbidden)
    assert (error.verb, error.resource_text) == ("", "")
    assert error.is_quota_exceeded
    assert not error.is_admission_denied


@pytest.mark.parametrize(
    "message",
    [
        'admission webhook "w.example.org" denied the request: no',
        "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
        'pods "x" is forbidden: violates PodSecurity "restricted:latest": hostPort',
    ],
)
def test_a_denial_by_admission_is_recognised(message: str) -> None:
    assert error_of(403, "Forbidden", message).is_admission_denied


def test_an_ending_namespace_is_recognised_by_cause_or_message() -> None:
    by_cause = error_of(403, details={"causes": [{"reason": "NamespaceTerminating"}]})
    message = "unable to create new content in namespace x because it is being terminated"

    assert by_cause.is_namespace_terminating
    assert error_of(403, "Forbidden", message).is_namespace_terminating
    assert not error_of(403).is_namespace_terminating


def test_a_resource_version_from_the_future_is_recognised() -> None:
    by_cause = error_of(504, details={"causes": [{"reason": "ResourceVersionTooLarge"}]})

    assert by_cause.is_resource_version_too_large
    message = "Too large resource version: 9, current: 8"
    assert error_of(504, "Timeout", message).is_resource_version_too_large


SECRET = "/api/v1/namespaces/ns/secrets/x"


def test_a_refused_secret_is_never_quoted() -> None:
    details = {
        "causes": [{"field": "data.key", "message": 'Invalid value: "hunter2"'}],
    }
    error = error_of(
        422, "Invalid", 'Secret "x" is invalid: "hunter2"', method="PATCH", path=SECRET,
        details=details,
    )  # fmt: skip

    assert isinstance(error, Invalid)
    assert "hunter2" not in str(error) + repr(error.causes) + repr(error.details)
    assert error.message == "refused fields: data.key"


def test_a_proxy_that_echoes_a_secret_is_not_believed() -> None:
    error = ApiError.from_response(502, b"you sent hunter2", method="POST", path=SECRET[:-2])

    assert "hunter2" not in str(error)
    assert "withheld" in error.message


def test_a_forbidden_secret_still_says_why() -> None:
    message = 'User "u" cannot patch resource "secrets" in API group ""'
    error = error_of(403, "Forbidden", message, method="PATCH", path=SECRET)

    assert isinstance(error, Forbidden)
    assert error.verb == "patch"


def test_a_status_from_a_watch_needs_no_http_status() -> None:
    assert isinstance(ApiError.from_status({"code": 410}), errors.Gone)
    assert ApiError.from_status({}).status == 500
    assert ApiError.from_status({"details": "odd"}).details == {}


def test_the_tree_lets_a_caller_catch_by_kind_of_trouble() -> None:
    timeout = errors.RequestTimeout("late", sent=True)

    assert isinstance(timeout, errors.TransportError)
    assert timeout.sent
    assert not issubclass(errors.TransportError, ApiError)
    assert issubclass(errors.CodecError, errors.KubeError)
