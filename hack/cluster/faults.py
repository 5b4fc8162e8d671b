"""Breaking a cluster on purpose: components end, hang and come back.

In flows the name of a component; out flows the fault, done when the method returns. A fault never
restarts what it broke: a test says itself when the trouble is over.
"""

from __future__ import annotations

import signal

from hack.cluster.boot import Boot
from hack.cluster.controlplane import APISERVER
from hack.cluster.error import ClusterError
from hack.cluster.process import Supervisor

# Told to stop when etcd is gone, an API server never ends.
_GRACE = {APISERVER: 3.0}
_USUAL_GRACE = 5.0


class Faults:
    """Faults of the components that `supervisor` runs and `boot` starts."""

    def __init__(self, supervisor: Supervisor, boot: Boot) -> None:
        self._supervisor = supervisor
        self._boot = boot

    def stop(self, component: str) -> None:
        """SIGTERM, grace, SIGKILL; gone when it returns."""
        self._known(component)
        self._supervisor.stop(component, grace=_GRACE.get(component, _USUAL_GRACE))

    def kill(self, component: str) -> None:
        """SIGKILL; gone when it returns."""
        self._known(component)
        self._supervisor.kill(component)

    def pause(self, component: str) -> None:
        """SIGSTOP."""
        self._supervisor.signal(self._known(component), signal.SIGSTOP)

    def resume(self, component: str) -> None:
        """SIGCONT."""
        self._supervisor.signal(self._known(component), signal.SIGCONT)

    def start(self, component: str) -> None:
        """Starts it as the cluster's own start does, and waits until it works."""
        self._boot.component(self._known(component))

    def _known(self, component: str) -> str:
        known = self._supervisor.names()
        if component not in known:
            raise ClusterError(
                component, "no such component", cure=f"use one of {', '.join(known)}"
            )

        return component
