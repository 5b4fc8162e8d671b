"""The fake API server behind the `Transport` protocol.

In flow the requests of the code under test, and what the test itself puts in as another actor;
out flow answers, watches and faults. It waits through the event loop only: on a virtual loop
hours of bookmarks take no time.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

import orjson

from registry_operator.kube.errors import ApiError, RequestTimeout, TransportError
from registry_operator.kube.exchange import Request, Response
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.clock import Clock
from registry_operator.testing.fake_api.admission import Admission
from registry_operator.testing.fake_api.answering import Answerer
from registry_operator.testing.fake_api.catalogue import Catalogue, Declaration
from registry_operator.testing.fake_api.faults import Fault, Faults
from registry_operator.testing.fake_api.route import Route
from registry_operator.testing.fake_api.storage import Body, Listener, Storage, copied, key_of
from registry_operator.testing.fake_api.watch import Ending, Watches
from registry_operator.testing.fake_api.writer import WriteOptions, Writer
from registry_operator.testing.fake_transport import a_refusal

_REQUEST_TIMEOUT: Final = 30.0
_ACTOR: Final = "test"


class FakeApi:
    """An API server in memory, serving `kinds`. `requests` is everything it was asked.

    `latency` is the seconds every request takes; `faults` plans trouble; without `recording`,
    `requests` stays empty, as a long simulation wants it.
    """

    def __init__(
        self,
        kinds: Iterable[Declaration],
        *,
        clock: Clock,
        latency: float = 0.0,
        history: int = 10_000,
        recording: bool = True,
    ) -> None:
        self._storage = Storage(history=history)
        self._catalogue = Catalogue()
        self._writer = Writer(self._storage, self._catalogue, clock)
        self._answerer = Answerer(self._storage, self._catalogue, self._writer)
        self._recording = recording
        self._watches = Watches(self._storage)
        self._clock = clock
        self.latency = latency
        self.faults = Faults()
        self.requests: list[Request] = []
        for declaration in kinds:
            self.declare(declaration)

    # What the code under test sees: the Transport protocol.

    async def send(self, request: Request) -> Response:
        self._record(request)
        fault = self.faults.take(request) or Fault()
        patience = _REQUEST_TIMEOUT if request.timeout is None else request.timeout
        if self.latency + fault.delay > patience:
            await self._clock.sleep(patience)
            raise RequestTimeout(f"{request.method} {request.path}: no answer in time", sent=True)
        await self._clock.sleep(self.latency + fault.delay)
        if request.fence is not None:
            request.fence()
        if fault.error is not None and not fault.after_effect:
            return _struck(fault.error)
        answer = self.answer(request)
        return answer if fault.error is None else _struck(fault.error)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[bytes]]:
        self._record(request)
        fault = self.faults.take(request) or Fault()
        await self._clock.sleep(self.latency + fault.delay)
        if fault.error is not None:
            raise fault.error
        options = self._answerer.watch_options(request)
        async with (
            self._watches.open(options) as lines,
            aclosing(_impatient(lines, request.timeout)) as chunks,
        ):
            yield chunks

    async def close(self) -> None:
        self._watches.drop("cut")

    # What a simulation builds a network of its own from.

    def answer(self, request: Request) -> Response:
        """Carry out any request but a watch, now, and return its answer or refusal.

        Neither faults nor latency nor the fence have a say, and the request is not recorded: what
        was sent is carried out even when its sender has died meanwhile.
        """
        return self._answerer.answer(request)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each change, at the instant of it; return what ends that.

        What it raises reaches whoever made the change, after the change is made.
        """
        return self._storage.subscribe(listener)

    def _copied(self, stored: Body) -> Body:
        body: Body = orjson.loads(self._storage.encoded(stored))
        return body

    def _record(self, request: Request) -> None:
        if self._recording:
            self.requests.append(request)

    # What a test does as somebody else: users, other controllers, the cluster's own ones.

    def put(self, resource: Resource, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object or replace it whole, status included; return what is stored."""
        at = _route_of(resource, body)
        wanted = copied(body)
        options = WriteOptions(_ACTOR, is_lenient=True)
        if self._storage.find(resource, at.key) is None:
            stored = self._writer.create(_collection(at), wanted, options)
        else:
            stored = self._writer.update(at, wanted, options)
        is_there = self._storage.find(resource, key_of(stored)) is not None
        if "status" in wanted and is_there:
            status = stored | {"status": wanted["status"]}
            at = Route(resource, at.namespace, stored["metadata"]["name"], "status")
            stored = self._writer.update(at, status, options)
        return copied(stored)

    def change(
        self, resource: Resource, key: ObjectKey, mutate: Callable[[Body], None]
    ) -> dict[str, Any]:
        """Change an object in place, status included; return what is stored. Raises NotFound."""
        body = self._copied(self._storage.get(resource, key))
        mutate(body)
        body["metadata"].pop("resourceVersion", None)
        return self.put(resource, body)

    def delete(
        self, resource: Resource, key: ObjectKey, *, propagation: str = "Background"
    ) -> None:
        """Ask for deletion: finalizers and the garbage collector do as in a cluster."""
        at = Route(resource, key.namespace, key.name)
        self._writer.delete(at, {"propagationPolicy": propagation})

    def get(self, resource: Resource, key: ObjectKey) -> dict[str, Any] | None:
        """Return a copy of an object."""
        body = self._storage.find(resource, key)
        return None if body is None else self._copied(body)

    def peek(self, resource: Resource, key: ObjectKey) -> dict[str, Any] | None:
        """Return an object itself, which costs nothing and must not be changed."""
        return self._storage.find(resource, key)

    def set_status(
        self, resource: Resource, key: ObjectKey, status: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Write the status of an object, and nothing else. Raises NotFound."""
        stored = self._storage.get(resource, key)
        at = Route(resource, key.namespace, key.name, "status")
        options = WriteOptions(_ACTOR, is_lenient=True)
        return self._writer.update(at, stored | {"status": copied(status)}, options)

    def objects(self, resource: Resource, namespace: str = "") -> list[dict[str, Any]]:
        """Return copies of the objects of a kind, ordered by key."""
        return [self._copied(body) for body in self._storage.objects(resource, namespace)]

    def declare(self, declaration: Declaration) -> None:
        """Begin to serve a kind: its CRD was created.

        Of a CustomResourceDefinition the schema is enforced; a resource of which the server knows
        nothing may hold anything.
        """
        for resource in self._catalogue.add(declaration):
            self._storage.declare(resource)

    def withdraw(self, resource: Resource) -> None:
        """Stop serving a kind: its CRD, and with it every object, was deleted."""
        self._writer.withdraw(resource)
        self._catalogue.remove(resource)
        self._watches.drop("end", resource)

    def admit(self, admission: Admission) -> None:
        """Ask this function before every write; it raises an ApiError to refuse."""
        self._writer.admissions.append(admission)

    def compact(self) -> None:
        """Forget the history: older watches and continue tokens end in 410."""
        self._storage.compact()

    def drop_watches(self, how: Ending = "end", resource: Resource | None = None) -> None:
        """End open watches: cleanly, by a cut, or by silence for ever."""
        self._watches.drop(how, resource)

    def delay_watches(self, seconds: float) -> None:
        """Let watches tell changes that much later: a stale cache."""
        self._watches.delay = seconds

    @property
    def open_watches(self) -> int:
        return len(self._watches)

    @property
    def revision(self) -> int:
        """The last resourceVersion given; unchanged as long as nobody writes."""
        return self._storage.revision

    def writes(self) -> list[Request]:
        """Return the requests so far that ask for a change, those of the Lease aside."""
        return [r for r in self.requests if r.method != "GET" and "/leases" not in r.path]


def _struck(error: ApiError | TransportError) -> Response:
    if isinstance(error, TransportError):
        raise error
    return a_refusal(error)


async def _impatient(lines: AsyncIterator[bytes], idle: float | None) -> AsyncGenerator[bytes]:
    while True:
        try:
            async with asyncio.timeout(idle):
                line = await anext(lines, None)
        except TimeoutError as error:
            raise RequestTimeout("no byte came in time", sent=True) from error
        if line is None:
            return
        yield line


def _route_of(resource: Resource, body: Mapping[str, Any]) -> Route:
    metadata = body["metadata"]
    return Route(resource, metadata.get("namespace", ""), metadata.get("name", ""))


def _collection(at: Route) -> Route:
    return Route(at.resource, at.namespace)
