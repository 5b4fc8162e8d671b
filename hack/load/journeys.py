"""What clients do, in which proportion: three in four requests pull, the others push.

In flows a source of randomness; out flows an endless sequence of journeys, each of a known number
of requests, so that a schedule can give each its time. A journey that fails ends; what follows is
not held up by it.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from hack.load.client import Client
from hack.load.content import Author, Image, Index
from hack.load.shelf import Shelf

_IMAGES = ("load/one", "load/two")
_INDEXES = ("load/index",)


@dataclass(frozen=True, slots=True)
class Journey:
    """`act` sends `requests` requests when all goes well."""

    requests: int
    act: Callable[[Client], Awaitable[None]]


class Journeys:
    """The journeys of all clients, which pull what any of them pushed."""

    def __init__(self, author: Author, rng: random.Random, *, order: random.Random) -> None:
        self._author = author
        self._order = order
        self._rng = rng
        self._images: Shelf[Image] = Shelf(_IMAGES, rng)
        self._indexes: Shelf[Index] = Shelf(_INDEXES, rng)
        self._cycle = [
            *[Journey(4, self._pull_image)] * 10,
            *[Journey(4, self._pull_index)] * 5,
            *[Journey(6, self._push_image)] * 2,
            *[Journey(10, self._push_index)],
            *[Journey(1, self._list_tags)] * 4,
        ]

    async def prepare(self, client: Client) -> None:
        """Push what the first pulls need. Raises RequestError."""
        for _ in _IMAGES:
            await self._push_image(client)
        await self._push_index(client)

    def endless(self) -> Iterator[Journey]:
        """Journeys in random order, in proportion."""
        while True:
            yield from self._order.sample(self._cycle, len(self._cycle))

    async def _pull_image(self, client: Client) -> None:
        with self._images.reading() as (place, image):
            await client.pull_image(place.repository, place.tag, image)

    async def _pull_index(self, client: Client) -> None:
        number = self._rng.randrange(2)
        with self._indexes.reading() as (place, index):
            await client.pull_index(place.repository, place.tag, index, number=number)

    async def _push_image(self, client: Client) -> None:
        image = self._author.image()
        with self._images.writing(image) as place:
            await client.push_image(place.repository, place.tag, image)

    async def _push_index(self, client: Client) -> None:
        one = self._author.image()
        with self._images.reading() as (origin, image):
            index = Index((one, self._author.beside(one, image.layer)))
            with self._indexes.writing(index) as place:
                await client.push_index(
                    place.repository, place.tag, index, origin=origin.repository
                )

    async def _list_tags(self, client: Client) -> None:
        repository = self._rng.choice(_IMAGES)
        await client.list_tags(repository, self._images.tags(repository))
