"""Between the processes of a simulation and one API server in memory: requests have a way to go.

In flow requests and watches of processes; out flow what the weather leaves of them. A request that
was sent is carried out even when its sender is dead by then, as on a real wire, and `sender` says
whose it is while the server acts. The fence is asked as it is in the real transport: right before
each try, after all waiting.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from contextvars import copy_context
from typing import Any, Final

from registry_operator.kube.errors import ApiError, RequestTimeout, TransportError
from registry_operator.kube.exchange import Request, Response
from registry_operator.kube.retry import RetryPolicy
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.fake_transport import a_refusal
from registry_operator.testing.simulation.pipe import Pipe
from registry_operator.testing.simulation.process import Process
from registry_operator.testing.simulation.weather import Fate, Weather, concerns, is_of

_PATIENCE: Final = 30.0
_RETRIES: Final = RetryPolicy()


class Network:
    """The wires to one server, made outside of any process.

    `on_failure` is called for each request that a process gets no good answer to, with the status
    of the answer, 0 without any.
    """

    def __init__(
        self, api: FakeApi, weather: Weather, *, on_failure: Callable[[Request, int], None]
    ) -> None:
        self.on_failure = on_failure
        self.weather = weather
        self.sender: Process | None = None
        self._api = api
        self._context = copy_context()
        self._pipes: dict[Pipe, Request] = {}
        # asyncio itself holds running tasks by weak references only.
        self._couriers: set[asyncio.Task[None]] = set()
        self._awaited: dict[asyncio.Future[Response], Process] = {}

    def link(self, process: Process) -> "Link":
        """Return the transport of one process."""
        return Link(self, process)

    def break_watches(self, how: str, kind: str = "", who: str = "") -> None:
        """End or stall the open watches of a kind and process, or all: `end`, `cut` or `stall`."""
        for pipe, request in self._pipes.items():
            if (not kind or is_of(request, kind)) and who in {"", pipe.owner}:
                pipe.end(how)

    @property
    def is_flowing(self) -> bool:
        """Whether every open watch has told all that it should, and can tell more."""
        return all(pipe.is_flowing for pipe in self._pipes)

    @property
    def is_waited_for(self) -> bool:
        """Whether a request has no answer yet, or a watch is stalled, which is not noticed yet."""
        is_awaited = any(not process.is_dead for process in self._awaited.values())
        return is_awaited or any(pipe.is_stalled for pipe in self._pipes)

    async def close(self) -> None:
        """Let go of everything that is still under way."""
        couriers = list(self._couriers)
        for courier in couriers:
            courier.cancel()
        await asyncio.gather(*couriers, return_exceptions=True)

    def send(self, request: Request, fate: Fate, process: Process) -> "asyncio.Future[Response]":
        """Put a request on its way; what comes of it, if anything."""
        reply: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        if concerns("all", request):
            self._awaited[reply] = process
            reply.add_done_callback(self._awaited.pop)
        self._courier(self._carry(request, fate, process, reply))
        return reply

    def pump(self, request: Request, process: Process) -> Pipe:
        """Open a watch, and keep reading it for as long as its pipe is not closed."""
        pipe = Pipe(process.role)
        self._pipes[pipe] = request
        task = self._courier(self._pump(request, pipe))

        def close() -> None:
            self._pipes.pop(pipe, None)
            task.cancel()

        pipe.on_close = close
        process.on_death(close)
        return pipe

    def _courier(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, context=self._context.copy())
        self._couriers.add(task)
        task.add_done_callback(self._couriers.discard)
        return task

    async def _carry(
        self, request: Request, fate: Fate, process: Process, reply: "asyncio.Future[Response]"
    ) -> None:
        await asyncio.sleep(fate.out)
        answer = None
        if fate.acts and process.role not in self.weather.cut:
            self.sender = process
            try:
                answer = self._api.answer(request)
            finally:
                self.sender = None
        if fate.is_lost:
            return
        if fate.refusal is not None:
            answer = a_refusal(fate.refusal)
        await asyncio.sleep(fate.back)
        is_awaited = not reply.done() and not process.is_dead
        if answer is not None and is_awaited and process.role not in self.weather.cut:
            reply.set_result(answer)

    async def _pump(self, request: Request, pipe: Pipe) -> None:
        try:
            async with self._api.stream(request) as chunks:
                async for chunk in chunks:
                    pipe.put(chunk, lag=self.weather.lag(request))
        except (ApiError, TransportError) as error:
            pipe.end("cut" if isinstance(error, TransportError) else "end")
        else:
            pipe.end("end")


class Link:
    """The transport of one process (see `kube.exchange.Transport`)."""

    def __init__(self, network: Network, process: Process) -> None:
        self._network = network
        self._process = process
        self._is_closed = False

    async def send(self, request: Request) -> Response:
        """Send; repeats what the server asks to repeat, as the real transport does."""
        try:
            return await self._answered(request)
        except TransportError:
            self._network.on_failure(request, 0)
            raise

    async def _answered(self, request: Request) -> Response:
        tried = 0
        while True:
            response = await self._once(request)
            if not response.is_success:
                self._network.on_failure(request, response.status)
            tried += 1
            delay = _RETRIES.delay(request, response, tried=tried)
            if delay is None:
                return response
            await asyncio.sleep(delay)

    async def _once(self, request: Request) -> Response:
        fate = self._leave(request)
        reply = self._network.send(request, fate, self._process)
        patience = _PATIENCE if request.timeout is None else request.timeout
        try:
            async with asyncio.timeout(patience):
                return await reply
        except TimeoutError as error:
            where = f"{request.method} {request.path}"
            raise RequestTimeout(f"{where}: no answer in time", sent=True) from error

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a watch."""
        fate = self._leave(request)
        await asyncio.sleep(fate.out + fate.back)
        if fate.is_lost:
            raise RequestTimeout(f"GET {request.path}: no answer in time", sent=True)
        if fate.refusal is not None:
            raise fate.refusal
        pipe = self._network.pump(request, self._process)
        try:
            async with aclosing(pipe.chunks(idle=request.timeout)) as chunks:
                yield chunks
        finally:
            pipe.close()

    async def close(self) -> None:
        """Nothing more is sent."""
        self._is_closed = True

    def _leave(self, request: Request) -> Fate:
        """The last moment before a request is on its way."""
        weather = self._network.weather
        if self._is_closed or self._process.role in weather.cut:
            raise TransportError(f"{request.method} {request.path}: no route", sent=False)
        if request.fence is not None:
            request.fence()
        return weather.fate(request, self._process.role)
