"""What is refused of a body before anything is read: it contradicts its path or its kind.

In flow routes, kinds and bodies as they were sent; nothing flows out but an error.
"""

from registry_operator.kube.errors import Conflict, InternalError
from registry_operator.testing.fake_api import metadata
from registry_operator.testing.fake_api.kinds.kind import Kind
from registry_operator.testing.fake_api.refusals import (
    bad_request,
    invalid,
    undecodable,
    unpatchable,
)
from registry_operator.testing.fake_api.route import Route
from registry_operator.testing.fake_api.schema.merge import MisfitError, check
from registry_operator.testing.fake_api.schema.validation import first_mistyped
from registry_operator.testing.fake_api.storage import Body


def check_names(route: Route, sent: Body) -> None:
    """Raise BadRequest for another name or namespace than the path's."""
    given = sent.get("metadata") or {}
    name, namespace = given.get("name"), given.get("namespace")
    if route.name and name and name != route.name:
        raise bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({route.name})"
        )
    if namespace and namespace != route.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def check_decodable(kind: Kind, sent: Body) -> None:
    """Raise BadRequest for what the Go type of a kind cannot hold."""
    wrong = first_mistyped(kind.schema, sent) if kind.is_typed else None
    if wrong is not None:
        raise undecodable(kind.resource, at=wrong[0], found=wrong[1])


def check_patched(kind: Kind, patched: Body) -> None:
    """Raise Invalid for a patch that leads to what the Go type of a kind cannot hold."""
    wrong = first_mistyped(kind.schema, patched) if kind.is_typed else None
    if wrong is not None:
        raise unpatchable(at=wrong[0], found=wrong[1])


def check_fits(kind: Kind, route: Route, intent: Body) -> None:
    """Raise InternalError for an intent that is no object of its kind."""
    try:
        check(kind.schema, intent)
    except MisfitError as error:
        where = f"{route.namespace}/{route.name}" if route.namespace else f"/{route.name}"
        about = f"{where}; {kind.resource.api_version}, Kind={kind.resource.kind}"
        message = f"failed to create typed patch object ({about}): {error}"
        raise InternalError(500, message=message) from error


def check_uid_of_nothing(kind: Kind, intent: Body) -> None:
    """Raise Conflict or Invalid for an intent that is about an object which is not there."""
    uid = (intent.get("metadata") or {}).get("uid")
    if not uid:
        return
    if kind.is_typed:
        message = f"uid mismatch: the object specified uid {uid}, and no existing one was found"
        raise Conflict(409, reason="Conflict", message=message)
    raise invalid(
        kind.resource, intent["metadata"]["name"], metadata.contradictions({"uid": uid}, {})
    )
