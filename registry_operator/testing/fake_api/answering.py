"""From one request to its answer: which verb it is, and what its parameters mean.

In flow requests; out flow answers, refusals among them. Nothing here waits: each request is
carried out at one instant, whatever becomes of whoever sent it.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from registry_operator.kube.errors import ApiError, BadRequest, MethodNotAllowed
from registry_operator.kube.exchange import APPLY_PATCH, JSON_PATCH, Request, Response
from registry_operator.testing.fake_api.discovery import aggregated
from registry_operator.testing.fake_api.lister import ExpiredToken, Lister, ListOptions
from registry_operator.testing.fake_api.patch import json_patched, merge_patched
from registry_operator.testing.fake_api.route import Route, route
from registry_operator.testing.fake_api.selector import Selector
from registry_operator.testing.fake_api.storage import Body, Storage
from registry_operator.testing.fake_api.watch import View, WatchOptions, shown
from registry_operator.testing.fake_api.writer import WriteOptions, Writer
from registry_operator.testing.fake_transport import a_refusal, a_status, an_answer

_VERSION: Final = {"major": "1", "minor": "37", "gitVersion": "v1.37.2-fake"}


class Answerer:
    """Answers every request but watches, of which it reads the options."""

    def __init__(self, storage: Storage, writer: Writer) -> None:
        self._storage = storage
        self._writer = writer
        self._lister = Lister(storage)

    def answer(self, request: Request) -> Response:
        """Carry out a request now and return its answer."""
        with self._storage.on_behalf_of(request):
            try:
                return an_answer(self._answer(request), status=_status(request))
            except ExpiredToken as error:
                body = a_status(410, error.reason, error.message)
                return an_answer(body | {"metadata": {"continue": error.token}}, status=410)
            except ApiError as error:
                return a_refusal(error)

    def watch_options(self, request: Request) -> WatchOptions:
        """Read what a watch asks for. Raises NotFound, BadRequest."""
        at = route(request.path, self._storage.resources)
        query = dict(request.query)
        version = query.get("resourceVersion", "")
        initial = query.get("sendInitialEvents") == "true"
        return WatchOptions(
            resource=at.resource,
            view=_view(at, request),
            start=None if initial or version in {"", "0"} else _number(version),
            seconds=float(query.get("timeoutSeconds", "1800")),
            bookmarks=query.get("allowWatchBookmarks") == "true",
            initial_events=initial,
        )

    def _answer(self, request: Request) -> Mapping[str, Any] | bytes:
        if request.path in {"/api", "/apis"}:
            return aggregated(self._storage.resources, core=request.path == "/api")
        if request.path == "/version":
            return _VERSION
        at = route(request.path, self._storage.resources)
        if request.method != "GET":
            return self._written(at, request)
        if not at.name:
            return self._lister.page(_list_options(at, request))
        found = self._storage.get(at.resource, at.key)
        if _metadata_only(request):
            return shown(found, metadata_only=True)
        return self._storage.encoded(found)

    def _written(self, at: Route, request: Request) -> Body:
        query = dict(request.query)
        body = orjson.loads(request.body) if request.body else {}
        options = WriteOptions(
            manager=query.get("fieldManager", "unknown"),
            force=query.get("force") == "true",
            dry_run=query.get("dryRun") == "All",
        )
        match request.method, bool(at.name):
            case "POST", False:
                return self._writer.create(at, body, options)
            case "PUT", True:
                return self._writer.update(at, body, options)
            case "DELETE", True:
                return self._writer.delete(at, body)
            case "PATCH", True:
                return self._patched(at, request, body, options)
        message = f"the server does not allow {request.method} on this path"
        raise MethodNotAllowed(405, reason="MethodNotAllowed", message=message)

    def _patched(self, at: Route, request: Request, body: Any, options: WriteOptions) -> Body:
        if request.content_type == APPLY_PATCH:
            return self._writer.apply(at, body, options)
        patched = json_patched if request.content_type == JSON_PATCH else merge_patched
        return self._writer.patch(at, lambda stored: patched(stored, body), options)


def _status(request: Request) -> int:
    return 201 if request.method == "POST" else 200


def _metadata_only(request: Request) -> bool:
    return "as=PartialObjectMetadata" in request.accept


def _view(at: Route, request: Request) -> View:
    query = dict(request.query)
    selector = Selector(query.get("labelSelector", ""), query.get("fieldSelector", ""))
    return View(at.namespace, selector, _metadata_only(request))


def _list_options(at: Route, request: Request) -> ListOptions:
    query = dict(request.query)
    return ListOptions(
        resource=at.resource,
        view=_view(at, request),
        limit=_number(query.get("limit", "0")),
        token=query.get("continue", ""),
    )


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        message = f"invalid number {text!r}"
        raise BadRequest(400, reason="BadRequest", message=message) from error
