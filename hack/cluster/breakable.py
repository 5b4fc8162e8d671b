"""The verbs of breaking and mending, as a cluster offers them; what they do is in `faults`."""

from __future__ import annotations

from abc import ABC, abstractmethod

from hack.cluster.faults import Faults


class Breakable(ABC):
    """What has components (`etcd`, `node-1/kubelet`) and nodes (`node-1`) that can be broken.

    Every method returns when the fault, or its end, has happened, and raises ClusterError for an
    unknown name.
    """

    @property
    @abstractmethod
    def _faults(self) -> Faults:
        """How faults are made here."""

    def stop(self, component: str) -> None:
        """Asks a component to end, and kills it when it does not within its grace."""
        self._faults.stop(component)

    def kill(self, component: str) -> None:
        """Ends a component at once."""
        self._faults.kill(component)

    def pause(self, component: str) -> None:
        """Halts a component (SIGSTOP): its connections stay open and nothing answers."""
        self._faults.pause(component)

    def resume(self, component: str) -> None:
        """Lets a paused component go on."""
        self._faults.resume(component)

    def start(self, component: str) -> None:
        """Starts a component that was stopped or killed, and waits until it works."""
        self._faults.start(component)

    def restart(self, component: str) -> None:
        """Stops and starts a component."""
        self._faults.stop(component)
        self._faults.start(component)

    def cut(self, component: str) -> None:
        """Cuts a node, or a component of a full cluster, off the network; nobody is told."""
        self._faults.cut(component)

    def join(self, component: str) -> None:
        """Ends what `cut` did."""
        self._faults.join(component)

    def power_off(self, node: str) -> None:
        """Ends every process of a node at once. `start` brings it back."""
        self._faults.kill(node)
