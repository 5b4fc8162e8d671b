"""Writing verbs of the API server: what a write means before it is stored.

In flow bodies, intents and preconditions; out flow stored bodies or an ApiError. Identity belongs
to the server, status to its subresource, generation follows the rest, a write that changes
nothing stores nothing (apiserver, registry/generic).
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from registry_operator.kube.errors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
)
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.clock import Clock, whole_time
from registry_operator.testing.fake_api.apply import (
    Manager,
    Owners,
    applied,
    managed_fields,
    updated,
)
from registry_operator.testing.fake_api.collector import FOREGROUND, ORPHAN, Collector
from registry_operator.testing.fake_api.route import Route
from registry_operator.testing.fake_api.storage import Body, Storage, key_of

NAMESPACES: Final = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
_SUBRESOURCES: Final = frozenset({"", "status"})
_IDENTITY: Final = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
)

# May raise an ApiError to refuse a write, or change the body as a mutating webhook does.
Admission = Callable[[str, Resource, Body], None]


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Query parameters of a write."""

    manager: str
    force: bool = False
    dry_run: bool = False


class Writer:
    """Carries out writes on a storage.

    `admissions` are asked in order, before anything is stored.
    """

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._collector = Collector(storage, now=self._now)
        self.admissions: list[Admission] = []

    def create(self, route: Route, body: Body, options: WriteOptions) -> Body:
        """POST. Raises AlreadyExists, and NotFound or Forbidden for the namespace."""
        manager = Manager(options.manager, "Update")
        named = self._named(route, body)
        if self._storage.find(route.resource, key_of(named)) is not None:
            name = named["metadata"]["name"]
            message = f'{route.resource} "{name}" already exists'
            raise AlreadyExists(409, reason="AlreadyExists", message=message)
        owners = updated({}, named, {}, manager=manager)
        return self._insert(route.resource, named, owners, options)

    def update(self, route: Route, body: Body, options: WriteOptions) -> Body:
        """PUT.

        Raises Conflict when the body carries another resourceVersion than the stored one.
        """
        old = self._storage.get(route.resource, route.key)
        manager = Manager(options.manager, "Update", route.subresource)
        new = self._restricted(route, old, body)
        owners = updated(old, new, self._storage.owners(old), manager=manager)
        return self._replace(route.resource, old, new, owners, options)

    def patch(self, route: Route, patched: Callable[[Body], Body], options: WriteOptions) -> Body:
        """PATCH by a function from the stored body to the wanted one."""
        old = self._storage.get(route.resource, route.key)
        visible = _without_resource_version(old)
        body = patched(copy.deepcopy(visible))
        return self.update(route, body, options)

    def apply(self, route: Route, intent: Body, options: WriteOptions) -> Body:
        """Server-side apply. Raises Conflict for fields of other managers unless forced."""
        manager = Manager(options.manager, "Apply", route.subresource)
        old = self._storage.find(route.resource, route.key)
        if old is None:
            if route.subresource:
                self._storage.get(route.resource, route.key)
            if intent.get("metadata", {}).get("uid"):
                message = "uid mismatch: the object specified a uid, and no existing one was found"
                raise Conflict(409, reason="Conflict", message=message)
            named = self._named(route, intent)
            body, owners = applied({}, named, {}, manager=manager, force=options.force)
            return self._insert(route.resource, body, owners, options)
        _check_resource_version(old, intent)
        _check_uid(old, intent)
        known = self._storage.owners(old)
        body, owners = applied(old, intent, known, manager=manager, force=options.force)
        new = self._restricted(route, old, _without_resource_version(body))
        return self._replace(route.resource, old, new, owners, options)

    def delete(self, route: Route, wanted: Mapping[str, Any]) -> Body:
        """DELETE with the preconditions and the propagation of DeleteOptions. Raises Conflict."""
        old = self._storage.get(route.resource, route.key)
        _check_preconditions(old, wanted.get("preconditions") or {})
        self._admit("delete", route.resource, copy.deepcopy(old))
        finalizers = list(old["metadata"].get("finalizers") or ())
        propagation = wanted.get("propagationPolicy", "Background")
        added = {"Foreground": FOREGROUND, "Orphan": ORPHAN}.get(propagation)
        if added is not None and added not in finalizers:
            finalizers.append(added)
        if finalizers and "deletionTimestamp" not in old["metadata"]:
            metadata = old["metadata"] | {
                "deletionTimestamp": self._now(),
                "finalizers": finalizers,
                "generation": old["metadata"].get("generation", 0) + 1,
            }
            new = old | {"metadata": metadata}
            old = self._storage.put(route.resource, new, self._storage.owners(old))
        elif not finalizers:
            old = self._storage.remove(route.resource, route.key)
        self._collector.run()
        return old

    def withdraw(self, resource: Resource) -> None:
        """Remove all objects of a kind, with what they own, and stop serving it."""
        for body in self._storage.objects(resource):
            self._storage.remove(resource, key_of(body))
        self._collector.run()
        self._storage.withdraw(resource)

    def _now(self) -> str:
        return whole_time(self._clock.now())

    def _named(self, route: Route, body: Body) -> Body:
        if route.subresource not in _SUBRESOURCES:
            message = f"no subresource {route.subresource!r} here"
            raise MethodNotAllowed(405, reason="MethodNotAllowed", message=message)
        metadata = dict(body.get("metadata") or {})
        for name, value in (("namespace", route.namespace), ("name", route.name)):
            if value and metadata.setdefault(name, value) != value:
                message = f"the {name} of the object does not match the {name} on the URL"
                raise BadRequest(400, reason="BadRequest", message=message)
        uid = self._storage.new_uid()
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = f"{metadata['generateName']}{uid[-5:]}"
        if not metadata.get("name"):
            raise BadRequest(400, reason="BadRequest", message="name must be provided")
        metadata["uid"] = uid
        metadata["creationTimestamp"] = self._now()
        metadata.pop("resourceVersion", None)
        if "spec" in body:
            metadata["generation"] = 1
        created = {name: value for name, value in body.items() if name != "status"}
        return created | {"metadata": metadata}

    def _insert(
        self, resource: Resource, body: Body, owners: Owners, options: WriteOptions
    ) -> Body:
        self._check_namespace(body["metadata"].get("namespace", ""))
        body = copy.deepcopy(body)
        self._admit("create", resource, body)
        body["metadata"]["managedFields"] = managed_fields(owners, api_version=resource.api_version)
        if options.dry_run:
            return body
        stored = self._storage.put(resource, body, owners)
        # A dependent whose owner is gone already does not live long.
        self._collector.run()
        return stored

    def _replace(
        self, resource: Resource, old: Body, new: Body, owners: Owners, options: WriteOptions
    ) -> Body:
        self._admit("update", resource, new)
        new["metadata"]["managedFields"] = managed_fields(owners, api_version=resource.api_version)
        if new == _without_resource_version(old):
            return old
        if "spec" in new and _desired(new) != _desired(old):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        if options.dry_run:
            return new
        if "deletionTimestamp" in new["metadata"] and not new["metadata"].get("finalizers"):
            last = self._storage.remove(resource, key_of(old))
            self._collector.run()
            return last
        stored = self._storage.put(resource, new, owners)
        self._collector.run()
        return stored

    def _restricted(self, route: Route, old: Body, body: Body) -> Body:
        """Keep what this subresource may not change."""
        _check_resource_version(old, body)
        if route.subresource == "status":
            new = {**_without_resource_version(old), "status": body.get("status", {})}
        elif route.subresource:
            message = f"no subresource {route.subresource!r} here"
            raise MethodNotAllowed(405, reason="MethodNotAllowed", message=message)
        else:
            new = {name: value for name, value in body.items() if name != "status"}
            if "status" in old:
                new["status"] = old["status"]
        new = copy.deepcopy(new)
        metadata = new.setdefault("metadata", {})
        for name in ("resourceVersion", *_IDENTITY):
            metadata.pop(name, None)
        metadata.update({n: old["metadata"][n] for n in _IDENTITY if n in old["metadata"]})
        return new

    def _admit(self, verb: str, resource: Resource, body: Body) -> None:
        for admission in self.admissions:
            admission(verb, resource, body)

    def _check_namespace(self, namespace: str) -> None:
        """Refuse a namespace that is missing or ending, where namespaces are served."""
        if not namespace or NAMESPACES not in self._storage.resources:
            return
        found = self._storage.find(NAMESPACES, ObjectKey("", namespace))
        if found is None:
            message = f'namespaces "{namespace}" not found'
            raise NotFound(404, reason="NotFound", message=message)
        if "deletionTimestamp" in found["metadata"]:
            message = (
                f"unable to create new content in namespace {namespace} "
                "because it is being terminated"
            )
            causes = [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]
            raise Forbidden(403, reason="Forbidden", message=message, details={"causes": causes})


def _desired(body: Body) -> Body:
    return {name: value for name, value in body.items() if name not in {"metadata", "status"}}


def _without_resource_version(body: Body) -> Body:
    metadata = {n: v for n, v in body["metadata"].items() if n != "resourceVersion"}
    return body | {"metadata": metadata}


def _check_resource_version(old: Body, body: Body) -> None:
    asked = (body.get("metadata") or {}).get("resourceVersion")
    if asked and asked != old["metadata"]["resourceVersion"]:
        message = (
            "the object has been modified; please apply your changes to the latest version"
            " and try again"
        )
        raise Conflict(409, reason="Conflict", message=message)


def _check_uid(old: Body, body: Body) -> None:
    asked = (body.get("metadata") or {}).get("uid")
    if asked and asked != old["metadata"]["uid"]:
        message = f"metadata.uid: Invalid value: {asked!r}: field is immutable"
        raise Invalid(422, reason="Invalid", message=message)


def _check_preconditions(old: Body, preconditions: Mapping[str, str]) -> None:
    for name, value in preconditions.items():
        if old["metadata"].get(name) != value:
            message = f"Precondition failed: {name} is {old['metadata'].get(name)}, not {value}"
            raise Conflict(409, reason="Conflict", message=message)
