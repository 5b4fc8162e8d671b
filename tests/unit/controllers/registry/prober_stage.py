"""A prober of pods, the pods that it asks, and what it told: whatever its question is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Generic, Protocol, TypeVar

from controllers.kinds import POD
from registry_operator.kube.object import Object
from registry_operator.runtime.store import Store
from registry_operator.testing.builders import an_object
from registry_operator.testing.virtual_loop import VirtualClock


class Prober(Protocol):
    """What any prober does."""

    async def run(self) -> None: ...


P = TypeVar("P", bound=Prober)


class ProberStage(Generic[P]):
    """`make` makes the prober, `pod` the body of a pod; pods say `answer`, after `seconds`."""

    def __init__(
        self,
        clock: VirtualClock,
        make: Callable[..., P],
        *,
        pod: Callable[..., dict[str, Any]],
        answer: bytes,
    ) -> None:
        self.clock = clock
        self.store = Store(POD)
        self.writer = self.store.writer()
        self.told: list[str] = []
        self.asked: list[str] = []
        self.answer: bytes | Exception = answer
        self.seconds = 0.0
        self._pod = pod
        self.prober = make(
            self.store,
            asker=self.ask,
            clock=clock,
            changed=lambda pod: self.told.append(pod.name),
        )

    async def ask(self, address: str, path: str) -> bytes:
        self.asked.append(f"{address}{path}")
        await self.clock.sleep(self.seconds)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def show(self, name: str = "p", **fields: Any) -> Object:
        pod = an_object(self._pod(name, **fields))
        self.writer.upsert(pod)
        return pod

    async def look(self, said: bytes | Exception) -> None:
        """Half a minute in which pods say this."""
        self.answer = said
        await self.clock.sleep(30)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.prober.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
