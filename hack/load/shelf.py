"""What was pushed and may be pulled: names, each with the content that it must have now.

In flow pushes that went well; out flow names to pull and names to push to. Nobody pulls what is
being pushed, or no one could say which content is the right one; and a name whose push failed has
unknown content until a later push. The last few that are known are never pushed over, so that there
is always something to pull; names are bounded by these, and by how many pushes run at once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
_ALWAYS_KNOWN = 8


@dataclass(slots=True, eq=False)
class Place(Generic[T]):
    """A tag of a repository; `content` is None where it is not known."""

    repository: str
    tag: str
    content: T | None = None
    ever: bool = False  # pushed once, so that the registry lists it
    readers: int = 0
    written: bool = False


class Shelf(Generic[T]):
    """Places in `repositories`, in turn."""

    def __init__(self, repositories: Sequence[str], rng: random.Random) -> None:
        self._repositories = tuple(repositories)
        self._rng = rng
        self._places: list[Place[T]] = []

    @contextmanager
    def reading(self) -> Iterator[tuple[Place[T], T]]:
        """A known place, and its content. Raises IndexError while nothing was pushed."""
        known = [(one, one.content) for one in self._places if one.content and not one.written]
        place, content = self._rng.choice(known)
        place.readers += 1
        try:
            yield place, content
        finally:
            place.readers -= 1

    @contextmanager
    def writing(self, content: T) -> Iterator[Place[T]]:
        """A place to push to, which has `content` after it, unless an error comes."""
        place = self._free()
        place.content, place.written = None, True
        try:
            yield place
            place.content, place.ever = content, True
        finally:
            place.written = False

    def tags(self, repository: str) -> frozenset[str]:
        """The tags that a repository must list."""
        return frozenset(
            one.tag for one in self._places if one.repository == repository and one.ever
        )

    def _free(self) -> Place[T]:
        free = [one for one in self._places if not one.written and not one.readers]
        known = sum(one.content is not None for one in self._places)
        may = [one for one in free if one.content is None or known > _ALWAYS_KNOWN]
        if may:
            # Unknown ones first, and of the others the one that was written first.
            chosen = min(may, key=lambda one: one.content is not None)
            self._places.remove(chosen)
        else:
            number = len(self._places)
            repository = self._repositories[number % len(self._repositories)]
            chosen = Place(repository, f"v{number}")
        self._places.append(chosen)
        return chosen
