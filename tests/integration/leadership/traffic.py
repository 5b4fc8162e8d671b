"""Users who never rest: there is always something that the leader has to write."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from controllers.kinds import REGISTRY, SERVICE
from hack.world import World

_REGISTRIES = 6
_LEVELS = ("debug", "info", "warn", "error")
_PAUSE_SECONDS = 0.1
_DONE_SECONDS = 40.0


class Traffic:
    """Changes one Registry after the other, ten times a second, from `with` on.

    Each change asks for another Service, and for another Deployment with another Secret.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._names = [f"images-{number}" for number in range(_REGISTRIES)]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._live, name="users")
        self._failure: Exception | None = None
        self.changes = 0

    def __enter__(self) -> Self:
        for name in self._names:
            self._world.create_registry(name, {"storage": {"emptyDir": {}}})
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """No change comes after it. Raises what went wrong with the users."""
        self._stopping.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def await_done(self) -> None:
        """Stops, and waits until nothing that the users wanted is undone: nothing was lost."""
        self.stop()
        deadline = time.monotonic() + _DONE_SECONDS
        while undone := self.undone():
            assert time.monotonic() < deadline, undone
            time.sleep(0.2)

    def undone(self) -> list[str]:
        """What the operator still has to do for the users' last wishes."""
        ports = {
            body["metadata"]["name"]: body["spec"]["ports"][0]["port"]
            for body in self._world.items(SERVICE)
        }
        return [
            body["metadata"]["name"]
            for body in self._world.items(REGISTRY)
            if ports.get(body["metadata"]["name"]) != body["spec"]["service"]["port"]
            or body.get("status", {}).get("observedGeneration") != body["metadata"]["generation"]
        ]

    def _live(self) -> None:
        try:
            while not self._stopping.is_set():
                name = self._names[self.changes % len(self._names)]
                turn = self.changes // len(self._names)
                wish = {
                    "service": {"port": 5000 + turn % 7},
                    "config": {"log": {"level": _LEVELS[turn % len(_LEVELS)]}},
                }
                # A test may have halted the API server: users are patient.
                with suppress(TimeoutError):
                    self._world.patch(REGISTRY, name, {"spec": wish})
                self.changes += 1
                time.sleep(_PAUSE_SECONDS)
        except Exception as error:  # noqa: BLE001 - raised by `stop`, in the thread of the test
            self._failure = error
