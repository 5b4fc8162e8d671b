"""Writing verbs of the API server: what a write means before it is stored.

In flow bodies, intents and preconditions; out flow stored bodies or an ApiError. Identity belongs
to the server, status to its subresource, generation follows the rest, a write that changes
nothing stores nothing (apiserver, registry/generic). What is peculiar to a kind, the kind says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from registry_operator.kube.errors import InternalError
from registry_operator.kube.resource import Resource
from registry_operator.runtime.clock import Clock, whole_time
from registry_operator.testing.fake_api import intake, metadata, namespaces
from registry_operator.testing.fake_api.admission import Admission
from registry_operator.testing.fake_api.apply import (
    Manager,
    Owners,
    applied,
    managed_fields,
    owners_of,
    updated,
)
from registry_operator.testing.fake_api.catalogue import Catalogue
from registry_operator.testing.fake_api.deleter import Deleter
from registry_operator.testing.fake_api.kinds.claims import check_growth, protected
from registry_operator.testing.fake_api.kinds.kind import Kind
from registry_operator.testing.fake_api.kinds.services import SERVICES, Addresses
from registry_operator.testing.fake_api.namespaces import NAMESPACES
from registry_operator.testing.fake_api.refusals import (
    already_exists,
    bad_request,
    invalid,
    modified,
    not_allowed,
    unversioned,
)
from registry_operator.testing.fake_api.route import Route
from registry_operator.testing.fake_api.scale import scale_of, scaled
from registry_operator.testing.fake_api.storage import Body, Storage, copied, key_of


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Query parameters of a write. With `is_lenient` identity and version are not compared."""

    manager: str
    force: bool = False
    dry_run: bool = False
    is_lenient: bool = False


class Writer:
    """Carries out writes on a storage.

    `admissions` are asked in order, before anything is stored.
    """

    def __init__(self, storage: Storage, catalogue: Catalogue, clock: Clock) -> None:
        self._storage = storage
        self._catalogue = catalogue
        self._clock = clock
        self._deleter = Deleter(storage, now=self._now)
        self._addresses = Addresses(storage)
        self.admissions: list[Admission] = []

    def create(self, route: Route, sent: Body, options: WriteOptions) -> Body:
        """POST. Raises AlreadyExists, Invalid, and NotFound or Forbidden for the namespace."""
        if route.subresource:
            raise not_allowed(f"no {route.subresource} of nothing")
        kind = self._catalogue[route.resource]
        if (sent.get("metadata") or {}).get("resourceVersion") and not options.is_lenient:
            message = "resourceVersion should not be set on objects to be created"
            raise InternalError(500, message=message)
        intake.check_decodable(kind, sent)
        body = kind.completed(self._begun(route, kind, sent))
        manager = Manager(options.manager, "Update")
        owners = updated(kind.endpoint(""), kind.empty(), body, {}, manager=manager)
        return self._insert(kind, body, owners, options)

    def update(self, route: Route, sent: Body, options: WriteOptions) -> Body:
        """PUT. Raises Conflict when the body carries another resourceVersion than the stored."""
        kind = self._catalogue[route.resource]
        old = self._storage.get(route.resource, route.key)
        if route.subresource == "scale":
            self._check_version(kind, old, sent, options)
            new = scaled(kind, old, sent)
            return scale_of(kind, self._update(route, kind, old, new, options))
        intake.check_names(route, sent)
        intake.check_decodable(kind, sent)
        has_version = bool((sent.get("metadata") or {}).get("resourceVersion"))
        if kind.needs_version and not has_version and not options.is_lenient:
            raise unversioned(route.resource, route.name)
        self._check_version(kind, old, sent, options)
        return self._update(route, kind, old, sent, options)

    def patch(self, route: Route, patched: Callable[[Body], Body], options: WriteOptions) -> Body:
        """PATCH by a function from the stored body to the wanted one."""
        kind = self._catalogue[route.resource]
        old = self._storage.get(route.resource, route.key)
        if route.subresource == "scale":
            scale = scale_of(kind, old, may_be_unset=True)
            return self.update(route, patched(scale), options)
        sent = patched(copied(old))
        intake.check_names(route, sent)
        intake.check_patched(kind, sent)
        self._check_version(kind, old, sent, options)
        return self._update(route, kind, old, sent, options)

    def apply(self, route: Route, intent: Body, options: WriteOptions) -> Body:
        """Server-side apply. Raises Conflict for fields of other managers unless forced."""
        kind = self._catalogue[route.resource]
        manager = Manager(options.manager, "Apply", route.subresource)
        if (intent.get("metadata") or {}).get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        intake.check_names(route, intent)
        intake.check_fits(kind, route, intent)
        endpoint = kind.endpoint(route.subresource)
        old = self._storage.find(route.resource, route.key)
        if old is None:
            if route.subresource:
                self._storage.get(route.resource, route.key)
            intake.check_uid_of_nothing(kind, intent)
            begun = self._begun(route, kind, intent)
            body, owners = applied(endpoint, {}, begun, manager=manager, force=options.force)
            return self._insert(kind, kind.completed(body), owners, options)
        self._check_version(kind, old, intent, options)
        body, owners = applied(endpoint, old, intent, manager=manager, force=options.force)
        new = self._restricted(route, kind, old, kind.completed(body))
        return self._replace(kind, old, new, owners, options)

    def delete(self, route: Route, wanted: Mapping[str, Any]) -> Body | None:
        """DELETE with the preconditions and the propagation of DeleteOptions. Raises Conflict.

        Returns the object while something holds it, None when it is gone.
        """
        old = self._storage.get(route.resource, route.key)
        self._admit("delete", route.resource, old)
        return self._deleter.delete(route.resource, old, wanted)

    def withdraw(self, resource: Resource) -> None:
        """Remove all objects of a kind, with what they own, and stop serving it."""
        for body in self._storage.objects(resource):
            self._storage.remove(resource, key_of(body))
        self._deleter.settle()
        self._storage.withdraw(resource)

    def _now(self) -> str:
        return whole_time(self._clock.now())

    def _begun(self, route: Route, kind: Kind, sent: Body) -> Body:
        """Return a body with the identity of a new object."""
        intake.check_names(route, sent)
        given = sent.get("metadata") or {}
        uid = self._storage.new_uid()
        own = metadata.users_part(given)
        own["name"] = given.get("name") or route.name
        if not own["name"] and given.get("generateName"):
            own["name"] = f"{given['generateName']}{uid[-5:]}"
        if route.namespace:
            own["namespace"] = route.namespace
        own |= {"uid": uid, "creationTimestamp": self._now()}
        body = {**sent, "metadata": own}
        if kind.has_status:
            body.pop("status", None)
        return namespaces.created(body) if route.resource == NAMESPACES else body

    def _insert(self, kind: Kind, body: Body, owners: Owners, options: WriteOptions) -> Body:
        resource = kind.resource
        self._deleter.namespaces.check(resource, body)
        generation = kind.generation_after(None, body)
        own = body["metadata"] | ({} if generation is None else {"generation": generation})
        body = body | {"metadata": own}
        body = protected(resource, self._admit("create", resource, body))
        self._check(kind, body, None)
        existing = self._storage.find(resource, key_of(body))
        if existing is not None:
            is_leaving = "deletionTimestamp" in existing["metadata"]
            raise already_exists(resource, own["name"], is_leaving=is_leaving)
        self._give_addresses(resource, body, None)
        body["metadata"]["managedFields"] = managed_fields(
            owners, None, api_version=resource.api_version, now=self._now()
        )
        if options.dry_run:
            return body
        stored = self._storage.put(resource, body)
        # A dependent whose owner is gone already does not live long.
        self._deleter.settle()
        return stored

    def _update(
        self, route: Route, kind: Kind, old: Body, sent: Body, options: WriteOptions
    ) -> Body:
        new = self._restricted(route, kind, old, kind.completed(sent))
        manager = Manager(options.manager, "Update", route.subresource)
        given = (sent.get("metadata") or {}).get("managedFields")
        known = {} if given in ([], [{}]) else owners_of(old)
        if given in ([], [{}]) and {**new, "metadata": {}} == {**old, "metadata": {}}:
            return self._replace(kind, old, new, {}, options)
        owners = updated(kind.endpoint(route.subresource), old, new, known, manager=manager)
        return self._replace(kind, old, new, owners, options)

    def _replace(
        self, kind: Kind, old: Body, new: Body, owners: Owners, options: WriteOptions
    ) -> Body:
        resource = kind.resource
        new = self._admit("update", resource, new)
        self._give_addresses(resource, new, old)
        self._check(kind, new, old)
        check_growth(self._storage, resource, new, old)
        managed = managed_fields(owners, old, api_version=resource.api_version, now=self._now())
        own = new["metadata"] | {"resourceVersion": old["metadata"]["resourceVersion"]}
        own |= {"managedFields": managed} if managed else {}
        generation = kind.generation_after(old, new)
        if generation is not None:
            own["generation"] = generation
        new = new | {"metadata": own}
        if new == old:
            return old
        if options.dry_run:
            return new
        if self._deleter.is_free(resource, new):
            self._deleter.release(resource, new)
            return new
        stored = self._storage.put(resource, new)
        self._deleter.settle()
        return stored

    def _restricted(self, route: Route, kind: Kind, old: Body, body: Body) -> Body:
        """Keep what this (sub)resource may not change."""
        sent, before = body.get("metadata") or {}, old["metadata"]
        if route.subresource == "status":
            new = {**old, "status": body.get("status", {})}
            if not kind.is_typed:
                sent = before
            labels = {"labels": before["labels"]} if "labels" in before else {}
            sent = {name: value for name, value in sent.items() if name != "labels"} | labels
        else:
            new = dict(body)
            if kind.has_status:
                new.pop("status", None)
                new |= {"status": old["status"]} if "status" in old else {}
        new["metadata"] = metadata.kept(sent, before)
        return new

    def _check_version(self, kind: Kind, old: Body, sent: Body, options: WriteOptions) -> None:
        if options.is_lenient:
            return
        given, own = sent.get("metadata") or {}, old["metadata"]
        version = given.get("resourceVersion")
        if version and version != own["resourceVersion"]:
            raise modified(kind.resource, own["name"])
        causes = metadata.contradictions(given, own)
        if causes:
            raise invalid(kind.resource, own["name"], causes)

    def _check(self, kind: Kind, new: Body, old: Body | None) -> None:
        before = None if old is None else old["metadata"]
        causes = [*metadata.wrong(new["metadata"], before), *kind.wrong(new, old)]
        if causes:
            raise invalid(kind.resource, new["metadata"].get("name", ""), causes)

    def _give_addresses(self, resource: Resource, new: Body, old: Body | None) -> None:
        if resource == SERVICES:
            new["spec"] = dict(new["spec"])
            self._addresses.give(new, old)

    def _admit(self, verb: str, resource: Resource, body: Body) -> Body:
        """Ask the admissions, which may change a copy of the body; return what is to be stored."""
        if not self.admissions:
            return body
        body = copied(body)
        for admission in self.admissions:
            admission(verb, resource, body)
        return body
