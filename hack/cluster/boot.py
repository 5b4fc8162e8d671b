"""Starting a cluster's components in the order that they need, as many at once as can be.

In flow a `Context` and the supervisor; out flow running components, each waited for with a test of
what it is for, not of its port. A component that dies while it is waited for ends the wait at once,
with the last lines that it wrote.

    etcd + API server ─▶ rights ─▶ controller manager, scheduler, DNS, kwok
    nodes: namespaces ─▶ containerd + images ─▶ (API server ready) ─▶ kubelet, kube-proxy ─▶ Ready
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import yaml

from hack.cluster import controlplane
from hack.cluster.api import Api, wait_until
from hack.cluster.controlplane import APISERVER, CONTROLLERS, ETCD, MANIFESTS, Context
from hack.cluster.error import ClusterError
from hack.cluster.process import Command, Supervisor
from hack.cluster.report import Say

APISERVER_SECONDS = 90.0
COMPONENT_SECONDS = 60.0
_PLURALS = {
    "ClusterRole": "rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "rbac.authorization.k8s.io/v1/clusterrolebindings",
    "FlowSchema": "flowcontrol.apiserver.k8s.io/v1/flowschemas",
}
_DEFAULT_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


class Boot:
    """Starts what `context` describes."""

    def __init__(self, context: Context, supervisor: Supervisor, api: Api, *, say: Say) -> None:
        self._context = context
        self._supervisor = supervisor
        self._api = api
        self._say = say
        self._started = time.monotonic()

    def everything(self) -> None:
        """Starts all that is not running, and returns when all of it works."""
        self._say(f"starting cluster {self._context.spec.name}")
        self.control_plane()
        self._say(f"  ready after {self.elapsed:.1f} s")

    def control_plane(self) -> None:
        """Starts all of the control plane that is not running.

        Raises ClusterError for what does not come up.
        """
        for command in (controlplane.etcd(self._context), controlplane.apiserver(self._context)):
            self._start(command)

        self._await_apiserver()
        self._say(f"  API server ready after {self.elapsed:.1f} s")
        self._grant()
        commands = controlplane.after_apiserver(self._context)
        for command in commands:
            self._start(command)

        if self._context.spec.controller_manager:
            self.await_component(CONTROLLERS, self._has_default_account)

    def component(self, name: str) -> None:
        """Starts one component of the control plane by its name.

        Raises ClusterError for an unknown name.
        """
        commands = self._commands()
        if name not in commands:
            known = ", ".join(commands)
            raise ClusterError(name, "no such component here", cure=f"use one of {known}")

        self._start(commands[name])
        if name == APISERVER:
            self._await_apiserver()

    def await_component(
        self,
        name: str,
        is_ready: Callable[[], bool],
        *,
        seconds: float = COMPONENT_SECONDS,
        needs: Sequence[str] = (),
    ) -> None:
        """Waits until `is_ready`.

        Raises ClusterError when `name` (or what it `needs`) dies, or after `seconds`.
        """
        dead: list[str] = []

        def settled() -> bool:
            dead.extend(n for n in (*needs, name) if self._supervisor.pid(n) is None)

            return bool(dead) or is_ready()

        in_time = wait_until(settled, seconds=seconds)
        if dead or not in_time:
            culprit = (dead or [name])[0]
            why = "ended" if dead else f"was not ready after {seconds:.0f} s"
            raise ClusterError(
                culprit,
                f"{why}; its last lines:\n{self._supervisor.tail(culprit)}",
                cure=f"read {self._supervisor.log(culprit)}",
            )

    @property
    def elapsed(self) -> float:
        """Seconds since this start began."""
        return time.monotonic() - self._started

    def _await_apiserver(self) -> None:
        self.await_component(
            APISERVER, self._api.is_ready, seconds=APISERVER_SECONDS, needs=(ETCD,)
        )

    def _start(self, command: Command) -> None:
        self._supervisor.start(command)

    def _commands(self) -> dict[str, Command]:
        context = self._context
        commands = [
            controlplane.etcd(context),
            controlplane.apiserver(context),
            *controlplane.after_apiserver(context),
        ]

        return {command.name: command for command in commands}

    def _has_default_account(self) -> bool:
        return self._api.request("GET", _DEFAULT_ACCOUNT).status == 200

    def _grant(self) -> None:
        for document in yaml.safe_load_all((MANIFESTS / "rbac.yaml").read_text()):
            path = f"/apis/{_PLURALS[document['kind']]}/{document['metadata']['name']}"
            self._api.apply(path, document)
