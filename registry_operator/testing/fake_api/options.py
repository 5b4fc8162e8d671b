"""What the parameters of reading verbs mean, and which of them contradict each other.

In flow routes and queries; out flow options of lists and watches, or an Invalid or BadRequest in
the words of the API server (apimachinery, ValidateListOptions).
"""

from collections.abc import Mapping
from typing import Final

from registry_operator.kube.errors import Cause
from registry_operator.kube.exchange import Request
from registry_operator.testing.fake_api.kinds.kind import Kind
from registry_operator.testing.fake_api.lister import ListOptions
from registry_operator.testing.fake_api.refusals import bad_request, invalid_options, too_large
from registry_operator.testing.fake_api.route import Route
from registry_operator.testing.fake_api.selector import Selector
from registry_operator.testing.fake_api.watch import View, WatchOptions

_MATCH: Final = "resourceVersionMatch"
_MATCHES: Final = ("Exact", "NotOlderThan")
_LONGEST_WATCH: Final = "1800"


def list_options(at: Route, kind: Kind, request: Request, *, newest: int) -> ListOptions:
    """Read what a list asks for; `newest` is the last version. Raises Invalid, ServerTimeout."""
    query = dict(request.query)
    _check_match(query)
    token, version = query.get("continue", ""), query.get("resourceVersion", "")
    if token and version not in {"", "0"}:
        raise bad_request("specifying resource version is not allowed when using continue")
    asked = read_version(version, newest=newest)
    return ListOptions(
        resource=at.resource,
        view=_view(at, kind, request),
        # From the cache of the server everything comes at once.
        limit=0 if version == "0" else _limit(query.get("limit", "0")),
        token=token,
        revision=asked if query.get(_MATCH) == "Exact" else None,
    )


def watch_options(at: Route, kind: Kind, request: Request) -> WatchOptions:
    """Read what a watch asks for. Raises Invalid, BadRequest."""
    query = dict(request.query)
    is_initial = query.get("sendInitialEvents") == "true"
    _check_watch(query)
    version = query.get("resourceVersion", "")
    return WatchOptions(
        resource=at.resource,
        view=_view(at, kind, request),
        start=None if version in {"", "0"} else read_version(version),
        seconds=float(query.get("timeoutSeconds", _LONGEST_WATCH)),
        bookmarks=query.get("allowWatchBookmarks") == "true",
        initial_events=is_initial,
    )


def is_metadata_only(request: Request) -> bool:
    """Whether the client asked for no more than the metadata."""
    return "as=PartialObjectMetadata" in request.accept


def read_version(text: str, *, newest: int | None = None) -> int:
    """Read a resourceVersion; none is 0. Raises BadRequest, ServerTimeout."""
    if not text:
        return 0
    if not text.isdigit():
        raise bad_request(
            f'invalid resource version: resourceVersion: Invalid value: "{text}":'
            f' strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    version = int(text)
    if newest is not None and version > newest:
        raise too_large(version, newest)
    return version


def _limit(text: str) -> int:
    try:
        return max(int(text), 0)
    except ValueError as error:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def _view(at: Route, kind: Kind, request: Request) -> View:
    query = dict(request.query)
    selector = Selector(query.get("labelSelector", ""), query.get("fieldSelector", ""))
    if kind.selectable is not None:
        for name in selector.fields - kind.selectable:
            if kind.is_typed:
                known = ", ".join(f'"{each}"' for each in sorted(kind.selectable))
                raise bad_request(f'"{name}" is not a known field selector: only {known}')
            raise bad_request(f"field label not supported: {name}")
    return View(at.namespace, selector, is_metadata_only(request))


def _check_match(query: Mapping[str, str]) -> None:
    match, version = query.get(_MATCH), query.get("resourceVersion", "")
    if not match:
        return
    causes = []
    if not version:
        causes.append(_forbidden(f"{_MATCH} is forbidden unless resourceVersion is provided"))
    if query.get("continue"):
        causes.append(_forbidden(f"{_MATCH} is forbidden when continue is provided"))
    if match not in _MATCHES:
        causes.append(_unsupported(match, '"Exact", "NotOlderThan", ""'))
    if match == "Exact" and version == "0":
        causes.append(_forbidden(f'{_MATCH} "exact" is forbidden for resourceVersion "0"'))
    if causes:
        raise invalid_options("ListOptions", causes)


def _check_watch(query: Mapping[str, str]) -> None:
    match, causes = query.get(_MATCH), []
    if "sendInitialEvents" not in query:
        if match:
            message = f"{_MATCH} is forbidden for watch unless sendInitialEvents is provided"
            causes.append(_forbidden(message))
    elif match != "NotOlderThan":
        causes.append(_forbidden(f"sendInitialEvents requires setting {_MATCH} to NotOlderThan"))
        if match:
            causes.append(_unsupported(match, '"NotOlderThan"'))
    if causes:
        raise invalid_options("ListOptions", causes)


def _forbidden(message: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {message}", _MATCH)


def _unsupported(value: str, supported: str) -> Cause:
    message = f'Unsupported value: "{value}": supported values: {supported}'
    return Cause("FieldValueNotSupported", message, _MATCH)
