"""The table of all images, and the one way to get one: `image(name)`.

In flows a name; out flows the path of its docker-archive tar, made now when the cache has none for
the present inputs. An image may need another (the operator's needs its base): that is asked for in
the same way, and its key is among the inputs of the one that asks.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.report import Say, to_stderr
from hack.cluster.tools import cache_home
from hack.images import base, containerfile, operand
from hack.images.errors import ImageError
from hack.images.recipe import Recipe, Work
from hack.images.store import Store, StoreStats, image_key

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Listed:
    """An image as `list` shows it: `size` in bytes, or None when it is not made yet."""

    names: Sequence[str]
    about: str
    path: Path
    size: int | None


class Catalogue:
    """Images by name, made when missing."""

    def __init__(self, recipes: Sequence[Recipe], *, store: Store, say: Say) -> None:
        self._recipes = recipes
        self._store = store
        self._say = say

    def image(self, name: str) -> Path:
        """The tar of image `name`, made when it is missing.

        Raises ImageError for an unknown name and when the image cannot be made, ClusterError when
        a Go tool in it cannot be built.
        """
        recipe = self._find(name)
        for _ in range(_ATTEMPTS):
            key = self.key(recipe)
            if self._store.path(key).exists():
                return self._store.used(key)

            with self._store.making(key) as scratch:
                if not self._store.path(key).exists():
                    self._make(recipe, key, scratch)

            self._store.prune(recipe.name)

        raise ImageError(f"what {name} is made of changed during each of {_ATTEMPTS} builds")

    def key(self, recipe: Recipe) -> str:
        """The cache key of `recipe` for the present inputs."""
        return image_key(recipe.name, [*recipe.names, *recipe.inputs()])

    def listed(self) -> list[Listed]:
        """All images, made or not."""
        rows = []
        for recipe in self._recipes:
            path = self._store.path(self.key(recipe))
            size = path.stat().st_size if path.exists() else None
            rows.append(Listed(names=recipe.names, about=recipe.about, path=path, size=size))

        return rows

    def stats(self) -> StoreStats:
        """What the cache holds."""
        return self._store.stats()

    def _find(self, name: str) -> Recipe:
        for recipe in self._recipes:
            if name in recipe.names:
                return recipe

        known = ", ".join(name for recipe in self._recipes for name in recipe.names)
        raise ImageError(f"no image is called {name}: known are {known}")

    def _make(self, recipe: Recipe, key: str, scratch: Path) -> None:
        started = time.monotonic()

        def say(line: str) -> None:
            self._say(f"image {recipe.name}: {line}")

        say("making it, as the cache has none for the present inputs")
        out = scratch / "finished.tar"
        lasting = self._store.root / "lasting"
        work = Work(
            names=recipe.names, out=out, scratch=scratch, lasting=lasting, say=say, image=self.image
        )
        recipe.make(work)
        if self.key(recipe) != key:
            # Stored under either key, it could be found for content that it does not have.
            say("its inputs have changed meanwhile: making it again")
            return

        finished = self._store.put(key, out)
        megabytes = finished.stat().st_size / 1e6
        say(f"{megabytes:.0f} MB in {time.monotonic() - started:.0f} s")


def default_catalogue(say: Say = to_stderr) -> Catalogue:
    """All images of the project, in this user's cache."""
    recipes = [base.recipe(), containerfile.recipe(), *operand.recipes()]

    return Catalogue(recipes, store=Store(cache_home() / "images"), say=say)


def image(name: str, *, say: Say = to_stderr) -> Path:
    """The docker-archive tar of image `name` (such as `registry:2`), made when it is missing."""
    return default_catalogue(say).image(name)
