"""Sources of identity that renew themselves: a token file of the kubelet, a credential plugin.

In flow a path or a plugin, and time; out flows the identity to use now. Each renews before the
old one ends, once for all who ask at the same time, and keeps the old one while it is still good
and a renewal fails.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import structlog

from registry_operator.kube.credentials import Identity
from registry_operator.kube.errors import TransportError
from registry_operator.kube.exec_plugin import PluginAnswer, PluginFailed

# client-go reads the file of a bound token again after a minute; the kubelet renews it at 80 % of
# its life.
_REREAD: Final = timedelta(seconds=60)
_EARLY: Final = timedelta(seconds=60)
# A plugin that fails is not run again at once for each of many waiting requests.
_AFTER_FAILURE: Final = timedelta(seconds=5)

_log = structlog.get_logger(__name__)

Now = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class TokenFile:
    """The bearer token in a file, read again once a minute and after a 401."""

    def __init__(self, path: Path, *, now: Now = _utc_now) -> None:
        self._path = path
        self._now = now
        self._identity: Identity | None = None
        self._read_at: datetime | None = None
        self._lock = asyncio.Lock()

    async def identity(self, *, refresh: bool = False) -> Identity:
        """Return the token in the file. Raises TransportError when there never was one."""
        if not refresh and self._identity is not None and self._is_fresh():
            return self._identity
        async with self._lock:
            if not refresh and self._identity is not None and self._is_fresh():
                return self._identity
            return await self._read()

    def _is_fresh(self) -> bool:
        return self._read_at is not None and self._now() - self._read_at < _REREAD

    async def _read(self) -> Identity:
        self._read_at = self._now()
        try:
            token = (await asyncio.to_thread(self._path.read_text)).strip()
        except OSError as error:
            token, reason = "", str(error)
        else:
            reason = f"{self._path} is empty"
        if token:
            self._identity = Identity(token=token)
        elif self._identity is None:
            raise TransportError(f"no bearer token: {reason}", sent=False)
        else:
            _log.warning("bearer token not renewed, the old one is used on", reason=reason)
        return self._identity


class Plugin(Protocol):
    """What `PluginIdentity` needs of an `ExecPlugin`."""

    async def run(self) -> PluginAnswer:
        """Raises PluginFailed."""
        ...


class PluginIdentity:
    """What a credential plugin hands out, asked again before it expires and after a 401."""

    def __init__(self, plugin: Plugin, *, now: Now = _utc_now) -> None:
        self._plugin = plugin
        self._now = now
        self._identity: Identity | None = None
        self._renew_at: datetime | None = None
        self._expires_at: datetime | None = None
        self._failure: PluginFailed | None = None
        self._failed_at: datetime | None = None
        self._lock = asyncio.Lock()

    async def identity(self, *, refresh: bool = False) -> Identity:
        """Return what the plugin last said, or run it. Raises TransportError."""
        before = self._identity
        if before is not None and not refresh and not self._is_due():
            return before
        async with self._lock:
            # Somebody else may have renewed it while we waited for our turn.
            renewed = self._identity is not before
            if self._identity is not None and (renewed or not refresh) and not self._is_due():
                return self._identity
            return await self._renew(is_rejected=refresh)

    def _is_due(self) -> bool:
        return self._renew_at is not None and self._now() >= self._renew_at

    async def _renew(self, *, is_rejected: bool) -> Identity:
        if self._failed_at is None or self._now() - self._failed_at >= _AFTER_FAILURE:
            await self._run()
        if self._failure is None and self._identity is not None:
            return self._identity
        expired = self._expires_at is not None and self._now() >= self._expires_at
        if self._identity is None or expired or is_rejected:
            raise TransportError(f"no credentials: {self._failure}", sent=False) from self._failure
        return self._identity

    async def _run(self) -> None:
        try:
            answer = await self._plugin.run()
        except PluginFailed as error:
            self._failure, self._failed_at = error, self._now()
            _log.warning("credential plugin failed", reason=str(error))
            return
        self._failure = self._failed_at = None
        self._identity = answer.identity
        self._expires_at = self._renew_at = None
        if answer.expires_at is not None:
            # A short life would otherwise be over before it began.
            early = min(_EARLY, (answer.expires_at - self._now()) / 5)
            self._expires_at, self._renew_at = answer.expires_at, answer.expires_at - early
