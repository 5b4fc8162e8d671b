"""The objects of a simulated API server: bytes, as they are listed and watched.

In flow bodies and writes; out flow pages, events and answers. It knows no schema, no admission and
no owner of fields: an apply lays the intent over what is there. That is enough for an operator that
is alone, and cheap enough to hold a hundred thousand objects and to tell 10,000 changes a second
beside the operator that is measured.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from registry_operator.kube.resource import ObjectKey, Resource

Body = dict[str, Any]
Listener = Callable[[bytes], None]
_CREATED = "2026-01-01T00:00:00Z"
_PARTIAL = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as JSON: without kind and apiVersion, and its metadata alone."""

    rest: bytes
    metadata: bytes


class Shelf:
    """All objects of one kind."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self._head = _opened({"apiVersion": resource.api_version, "kind": resource.kind})
        self._objects: dict[ObjectKey, Stored] = {}
        self._history: list[tuple[int, bytes, bytes]] = []
        self._listeners: dict[Listener, bool] = {}

    def __contains__(self, key: ObjectKey) -> bool:
        return key in self._objects

    def whole(self, key: ObjectKey) -> bytes:
        """The object with kind and apiVersion. Raises KeyError."""
        return self._head + b"," + self._objects[key].rest[1:]

    def body(self, key: ObjectKey) -> Body:
        """The object, decoded. Raises KeyError."""
        body: Body = orjson.loads(self.whole(key))
        return body

    def is_at(self, key: ObjectKey, version: str | None) -> bool:
        """Whether a write that asks for this resourceVersion may go on; of nothing any may."""
        if version is None or key not in self:
            return True
        current: str = self.body(key)["metadata"]["resourceVersion"]
        return version == current

    def items(self, *, metadata_only: bool) -> list[bytes]:
        """Every object as lists hold it: those of custom resources with their kind."""
        if metadata_only:
            return [self._partial(stored) for stored in self._objects.values()]
        if "." in self.resource.group and not self.resource.group.endswith(".k8s.io"):
            return [self.whole(key) for key in self._objects]
        return [stored.rest for stored in self._objects.values()]

    def put(self, key: ObjectKey, body: Mapping[str, Any], revision: int) -> None:
        """Stores an object and tells it."""
        kind = b"MODIFIED" if key in self._objects else b"ADDED"
        self._objects[key] = _stored(body, revision)
        self._tell(kind, key, revision)

    def remove(self, key: ObjectKey, revision: int) -> None:
        """Takes an object out and tells its end. Raises KeyError."""
        self._objects[key] = _stored(self.body(key), revision)
        self._tell(b"DELETED", key, revision)
        del self._objects[key]

    def forget(self) -> None:
        """Keeps no past changes for watches that begin later."""
        self._history.clear()

    def subscribe(self, listener: Listener, *, since: int, metadata_only: bool) -> None:
        """Tells `listener` lines of a watch: what came after revision `since`, and what comes."""
        for revision, line, partial in self._history:
            if revision > since:
                listener(partial if metadata_only else line)
        self._listeners[listener] = metadata_only

    def unsubscribe(self, listener: Listener) -> None:
        """Tells it no more."""
        del self._listeners[listener]

    def repeat(self, key: ObjectKey) -> Callable[[int], None]:
        """What tells a change of nothing but the resourceVersion, as cheap as can be.

        It stores nothing: for an object that changes too often to be worth it.
        """
        version = self.body(key)["metadata"]["resourceVersion"].encode()
        word = b'"resourceVersion":"' + version + b'"'
        before, _, after = _line(b"MODIFIED", self.whole(key)).partition(word)

        def tell(now: int) -> None:
            line = b'%s"resourceVersion":"%d"%s' % (before, now, after)
            for listener, metadata_only in self._listeners.items():
                if not metadata_only:
                    listener(line)

        return tell

    def _tell(self, kind: bytes, key: ObjectKey, revision: int) -> None:
        line = _line(kind, self.whole(key))
        partial = _line(kind, self._partial(self._objects[key]))
        self._history.append((revision, line, partial))
        for listener, metadata_only in self._listeners.items():
            listener(partial if metadata_only else line)

    @staticmethod
    def _partial(stored: Stored) -> bytes:
        return _opened(_PARTIAL) + b',"metadata":' + stored.metadata + b"}"


class Library:
    """Shelves for `resources`, and one resourceVersion for all."""

    def __init__(self, resources: tuple[Resource, ...]) -> None:
        self.shelves = {resource: Shelf(resource) for resource in resources}
        self._uids = itertools.count(1)
        self.revision = 1

    def put(self, resource: Resource, body: Body) -> None:
        """Stores an object as it is, but for its resourceVersion."""
        metadata = body["metadata"]
        key = ObjectKey(metadata.get("namespace", ""), metadata["name"])
        self.shelves[resource].put(key, body, self.next())

    def apply(self, resource: Resource, key: ObjectKey, intent: Body) -> bytes:
        """Lays `intent` over the object, or makes it; returns it. What changes nothing is free."""
        shelf = self.shelves[resource]
        if key not in shelf:
            identity = {
                "uid": f"11111111-0000-4000-8000-{next(self._uids):012x}",
                "generation": 1,
                "creationTimestamp": _CREATED,
            }
            self.put(resource, {**intent, "metadata": {**intent["metadata"], **identity}})
            return shelf.whole(key)
        old = shelf.body(key)
        new = merged(old, intent)
        if new != old:
            if new.get("spec") != old.get("spec"):
                new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
            shelf.put(key, new, self.next())
        return shelf.whole(key)

    def remove(self, resource: Resource, key: ObjectKey) -> None:
        """Takes an object out. Raises KeyError."""
        self.shelves[resource].remove(key, self.next())

    def forget(self) -> None:
        """Keeps no past changes: a world that was just made has none."""
        for shelf in self.shelves.values():
            shelf.forget()

    def next(self) -> int:
        """The next resourceVersion."""
        self.revision += 1
        return self.revision


def merged(old: Body, new: Mapping[str, Any]) -> Body:
    """`new` laid over `old`: maps key by key, null takes a key away, anything else replaces."""
    result = dict(old)
    for name, value in new.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            under = result.get(name)
            result[name] = merged(under if isinstance(under, dict) else {}, value)
        else:
            result[name] = value
    return result


def _stored(body: Mapping[str, Any], revision: int) -> Stored:
    metadata = {**body["metadata"], "resourceVersion": str(revision)}
    rest = {n: v for n, v in body.items() if n not in {"kind", "apiVersion", "metadata"}}
    return Stored(orjson.dumps({"metadata": metadata, **rest}), orjson.dumps(metadata))


def _opened(body: Mapping[str, Any]) -> bytes:
    return orjson.dumps(body)[:-1]


def _line(kind: bytes, body: bytes) -> bytes:
    return b'{"type":"' + kind + b'","object":' + body + b"}\n"
