"""`/debug/state`: the state of the operator, for whoever is on the same host.

In flow GETs on loopback; out flows JSON. It names every key and what is wrong with it, so it is for
those who may enter the pod (`kubectl exec`, `kubectl port-forward`), and for nobody on the network:
any other address is refused, and so is a browser that was led here under another name.
"""

import errno
import ipaddress
from typing import Final, Self

import structlog
from aiohttp import web
from yarl import URL

from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.inspector import Inspector, UnknownControllerError
from registry_operator.runtime.state import MOST_KEYS, Question, to_json

_LOCALHOST: Final = ("127.0.0.1", "::1")
# A host without IPv6 has no `::1` to listen on.
_NO_SUCH_ADDRESS: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)

log = structlog.get_logger(__name__)


def loopback(host: str) -> tuple[str, ...]:
    """The addresses of a host that is this one: both of `localhost`, or the one that is named.

    Raises:
        ValueError: anybody else could reach it.
    """
    if host == "localhost":
        return _LOCALHOST
    if not _is_loopback(host):
        raise ValueError(f"{host!r} is not loopback: use localhost, 127.0.0.1 or [::1]")
    return (host,)


class DebugServer:
    """Serves from `async with` on; port 0 takes a free one, `port` says which."""

    def __init__(self, inspector: Inspector, *, host: str, port: int) -> None:
        """Raises ValueError for a host that is not loopback."""
        self._inspector = inspector
        self._hosts = loopback(host)
        self.port = port
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        """Start to listen.

        Raises:
            OSError: the address is taken.
        """
        app = web.Application()
        app.router.add_get("/debug/state", self._state)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await self._runner.setup()
        try:
            listening = [host for host in self._hosts if await self._listen(self._runner, host)]
        except OSError:
            await self._runner.cleanup()
            raise
        log.info("serving state", hosts=listening, port=self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _listen(self, runner: web.AppRunner, host: str) -> bool:
        """Whether the host has the address; one of several may be missing."""
        try:
            await web.TCPSite(runner, host, self.port).start()
        except OSError as error:
            if len(self._hosts) > 1 and error.errno in _NO_SUCH_ADDRESS:
                return False
            raise
        self.port = runner.addresses[0][1]
        return True

    async def _state(self, request: web.Request) -> web.Response:
        if not _is_asked_as_loopback(request.host):
            return web.Response(status=403, text="ask for localhost\n")
        try:
            question = _question(request)
        except ValueError as error:
            return web.Response(status=400, text=f"{error}\n")
        try:
            state = self._inspector.state(question)
        except UnknownControllerError as error:
            return web.Response(status=404, text=f"{error}\n")
        return web.Response(body=to_json(state, indent=True), content_type="application/json")


def _question(request: web.Request) -> Question:
    """Raises ValueError for words that are none of ours."""
    unknown = request.query.keys() - {"controller", "key", "limit"}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: controller, key, limit")
    key, limit = request.query.get("key"), request.query.get("limit")
    if limit is not None and not limit.isdecimal():
        raise ValueError(f"limit {limit!r} is not a number")
    return Question(
        controller=request.query.get("controller"),
        key=ObjectKey.parse(key) if key else None,
        most=MOST_KEYS if limit is None else int(limit),
    )


def _is_asked_as_loopback(host: str) -> bool:
    """Against names that were made to lead to loopback: browsers tell the name that they asked."""
    try:
        name = URL(f"http://{host}").host
    except ValueError:
        return False
    return name == "localhost" or (name is not None and _is_loopback(name))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
