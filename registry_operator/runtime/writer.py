"""The writing half of a store, handed to its one reflector.

In flow complete lists, single events and failures; they go straight into the store that made it.
Why a value of its own: who holds a `Store` can read and subscribe, not pretend to be the server.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from registry_operator.kube.object import Object
from registry_operator.runtime.contents import Contents


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a store does not follow the server now, by Kubernetes' reasons (`Forbidden`, …)."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Writer:
    """What a reflector may do to its store.

    `picture()` makes the empty contents that a complete list is gathered in, and
    `swap(picture, resource_version)` puts them in place at once and tells the changes, with pauses;
    `replace(objects, resource_version)` does all that without a pause. `upsert(object)` and
    `remove(object)` take an event, `bookmark(resource_version)` progress without one;
    `failed(failure)` says why nothing comes, None that it does again, and `unavailable(failure)`
    that the kind is not served.
    """

    picture: Callable[[], Contents]
    swap: Callable[[Contents, str], Iterator[None]]
    replace: Callable[[Iterable[Object], str], None]
    upsert: Callable[[Object], None]
    remove: Callable[[Object], None]
    bookmark: Callable[[str], None]
    failed: Callable[[Failure | None], None]
    unavailable: Callable[[Failure], None]
