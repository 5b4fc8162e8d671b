"""From one request to its answer: which verb it is, and what its parameters mean.

In flow requests; out flow answers, refusals among them. Nothing here waits: each request is
carried out at one instant, whatever becomes of whoever sent it.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from registry_operator.kube.errors import ApiError, Cause
from registry_operator.kube.exchange import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, Request, Response
from registry_operator.testing.fake_api.catalogue import Catalogue
from registry_operator.testing.fake_api.discovery import aggregated
from registry_operator.testing.fake_api.kinds.kind import Kind
from registry_operator.testing.fake_api.lister import ExpiredTokenError, Lister
from registry_operator.testing.fake_api.options import (
    is_metadata_only,
    list_options,
    read_version,
    watch_options,
)
from registry_operator.testing.fake_api.patch import json_patched, merge_patched
from registry_operator.testing.fake_api.refusals import bad_request, invalid_options, not_allowed
from registry_operator.testing.fake_api.route import Route, route
from registry_operator.testing.fake_api.scale import scale_of
from registry_operator.testing.fake_api.storage import Body, Storage
from registry_operator.testing.fake_api.watch import WatchOptions, shown
from registry_operator.testing.fake_api.writer import WriteOptions, Writer
from registry_operator.testing.fake_transport import a_refusal, a_status, an_answer

_VERSION: Final = {"major": "1", "minor": "37", "gitVersion": "v1.37.2-fake"}
_PATCHES: Final = (APPLY_PATCH, JSON_PATCH, MERGE_PATCH)


class Answerer:
    """Answers every request but watches, of which it reads the options."""

    def __init__(self, storage: Storage, catalogue: Catalogue, writer: Writer) -> None:
        self._storage = storage
        self._catalogue = catalogue
        self._writer = writer
        self._lister = Lister(storage)

    def answer(self, request: Request) -> Response:
        """Carry out a request now and return its answer."""
        with self._storage.on_behalf_of(request):
            try:
                return self._answer(request)
            except ExpiredTokenError as error:
                body = a_status(410, error.reason, error.message)
                return an_answer(body | {"metadata": {"continue": error.token}}, status=410)
            except ApiError as error:
                return a_refusal(error)

    def watch_options(self, request: Request) -> WatchOptions:
        """Read what a watch asks for. Raises NotFound, BadRequest, Invalid."""
        return watch_options(*route(request.path, self._catalogue), request)

    def _answer(self, request: Request) -> Response:
        if request.path in {"/api", "/apis"}:
            return an_answer(aggregated(self._catalogue, core=request.path == "/api"))
        if request.path == "/version":
            return an_answer(_VERSION)
        at, kind = route(request.path, self._catalogue)
        if request.method == "GET":
            return an_answer(self._read(at, kind, request))
        return self._written(at, kind, request)

    def _read(self, at: Route, kind: Kind, request: Request) -> Body | bytes:
        newest = self._storage.revision
        if not at.name:
            return self._lister.page(list_options(at, kind, request, newest=newest))
        read_version(dict(request.query).get("resourceVersion", ""), newest=newest)
        found = self._storage.get(at.resource, at.key)
        if at.subresource == "scale":
            return scale_of(kind, found)
        if is_metadata_only(request):
            return shown(found, metadata_only=True)
        return self._storage.encoded(found)

    def _written(self, at: Route, kind: Kind, request: Request) -> Response:
        query = dict(request.query)
        body = orjson.loads(request.body) if request.body else {}
        options = WriteOptions(
            manager=query.get("fieldManager", "unknown"),
            force=query.get("force") == "true",
            dry_run=query.get("dryRun") == "All",
        )
        match request.method, bool(at.name):
            case "POST", False:
                _check_type(kind, body)
                return an_answer(self._writer.create(at, body, options), status=201)
            case "PUT", True:
                if at.subresource != "scale":
                    _check_type(kind, body)
                return an_answer(self._writer.update(at, body, options))
            case "DELETE", True:
                return self._deleted(at, body)
            case "PATCH", True:
                return self._patched(at, request, body, options)
        raise not_allowed(f"the server does not allow {request.method} on this path")

    def _deleted(self, at: Route, options: Mapping[str, Any]) -> Response:
        before = self._storage.get(at.resource, at.key)
        held = self._writer.delete(at, options)
        if held is not None:
            return an_answer(held)
        details = {"name": at.name, "kind": at.resource.plural, "uid": before["metadata"]["uid"]}
        if at.resource.group:
            details["group"] = at.resource.group
        success = {"kind": "Status", "apiVersion": "v1", "status": "Success"}
        return an_answer(success | {"details": details})

    def _patched(self, at: Route, request: Request, body: Any, options: WriteOptions) -> Response:
        if request.content_type not in _PATCHES:
            message = (
                "the body of the request was in an unknown format - accepted media types include:"
                " application/json-patch+json, application/merge-patch+json,"
                " application/apply-patch+yaml"
            )
            raise ApiError(415, reason="UnsupportedMediaType", message=message)
        if request.content_type == APPLY_PATCH:
            if not dict(request.query).get("fieldManager"):
                message = "Required value: is required for apply patch"
                cause = Cause("FieldValueRequired", message, "fieldManager")
                raise invalid_options("PatchOptions", [cause])
            is_new = self._storage.find(at.resource, at.key) is None
            applied = self._writer.apply(at, body, options)
            return an_answer(applied, status=201 if is_new else 200)
        patched = json_patched if request.content_type == JSON_PATCH else merge_patched
        changed = self._writer.patch(at, lambda stored: patched(stored, body), options)
        return an_answer(changed)


def _check_type(kind: Kind, body: Body) -> None:
    resource = kind.resource
    named = (body.get("apiVersion", resource.api_version), body.get("kind", resource.kind))
    if named != (resource.api_version, resource.kind):
        version, name = named
        raise bad_request(
            f"{name} in version {version} cannot be handled as a {resource.kind} in version"
            f" {resource.api_version}"
        )
