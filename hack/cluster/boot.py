"""Starting a cluster's components in the order that they need, as many at once as can be.

In flows a `Context`; out flow running components, each waited for with a test of what it is for,
not of its port. A component that dies while it is waited for ends the wait at once, with the last
lines that it wrote.

    etcd + API server ─▶ rights ─▶ controller manager, scheduler, DNS, kwok
    nodes: namespaces ─▶ containerd + images ─▶ (API server ready) ─▶ kubelet, kube-proxy ─▶ Ready
    (API server ready) ─▶ kinds of COSI ─▶ driver ─▶ controller, sidecar
    (API server ready) ─▶ classes of volumes ─▶ their provisioner
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import yaml

from hack.cluster import controlplane, cosi, dns, forwards, volumes
from hack.cluster.api import Api
from hack.cluster.controlplane import (
    APISERVER,
    CONTROLLERS,
    COREDNS,
    ETCD,
    MANIFESTS,
    Context,
)
from hack.cluster.cosi import Cosi
from hack.cluster.error import ClusterError
from hack.cluster.forwards import Forwards
from hack.cluster.network import Network, entered
from hack.cluster.nodes import Nodes
from hack.cluster.process import Command, Supervisor
from hack.cluster.report import Say
from hack.cluster.s3 import COMPONENT, S3
from hack.cluster.volumes import Volumes

APISERVER_SECONDS = 90.0
_PLURALS = {
    "ClusterRole": "rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "rbac.authorization.k8s.io/v1/clusterrolebindings",
    "FlowSchema": "flowcontrol.apiserver.k8s.io/v1/flowschemas",
}
_NEEDS = {APISERVER: (ETCD,), cosi.SIDECAR: (cosi.DRIVER,)}
_LATER = frozenset({*cosi.PARTS, volumes.COMPONENT})
_DEFAULT_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """What a full cluster has besides: network, nodes, doors to the host; the rest if asked for."""

    network: Network
    nodes: Nodes
    forwards: Forwards
    s3: S3 | None
    cosi: Cosi | None
    volumes: Volumes | None


class Boot:
    """Starts what `context` describes.

    `full` are the parts of a full cluster, None for a control plane alone.
    """

    def __init__(
        self, context: Context, supervisor: Supervisor, api: Api, full: Full | None, say: Say
    ) -> None:
        self._context = context
        self._supervisor = supervisor
        self._api = api
        self._full = full
        self._say = say

    def everything(self) -> None:
        """Starts all that is not running, and returns when all of it works.

        Raises ClusterError for what does not.
        """
        started = time.monotonic()
        self._say(f"starting cluster {self._context.spec.name}")
        if self._full is None:
            self._control_plane()
        else:
            self._all_of(self._full)

        self._say(f"  ready after {time.monotonic() - started:.1f} s")

    def buckets(self) -> None:
        """Starts the store, and what makes buckets in it for claims, beside the API server."""
        full = self._full
        if full is None or full.s3 is None:
            return

        self._await(COMPONENT)
        if full.cosi is None:
            return

        full.cosi.install_kinds()
        self._supervisor.await_ready(APISERVER, full.cosi.serves_kinds)
        full.cosi.install_objects()
        commands = self._commands()
        for name in cosi.PARTS:
            self._supervisor.start(commands[name])
            self._await(name)

        self._say("  COSI ready")

    def volumes(self) -> None:
        """Starts what makes volumes for claims, beside the API server."""
        full = self._full
        if full is None or full.volumes is None:
            return

        full.volumes.install_classes()
        self.component(volumes.COMPONENT)
        self._say("  volumes ready")

    def component(self, name: str) -> None:
        """Starts one component by its name, and waits until it works.

        Raises ClusterError for an unknown name.
        """
        if self._full is not None and name.startswith(forwards.PREFIX):
            self._full.forwards.start(name)
            return

        commands = self._commands()
        if name not in commands:
            known = ", ".join(commands)
            raise ClusterError(name, "no such component here", cure=f"use one of {known}")

        self._supervisor.start(commands[name])
        self._await(name)

    def _all_of(self, full: Full) -> None:
        """Brings nodes up beside the control plane: until they join they need no API server."""
        names = full.nodes.names()
        full.network.create()
        full.forwards.start(forwards.APISERVER)
        with ThreadPoolExecutor() as pool:
            for name in names:
                full.nodes.attach(name)

            prepared = [pool.submit(full.nodes.prepare, name) for name in names]
            self._control_plane()
            beside = [pool.submit(start) for start in (self.buckets, self.volumes)]
            for preparation in prepared:
                preparation.result()

            list(pool.map(full.nodes.join, names))
            self._say(f"  nodes ready: {', '.join(names) or 'none'}")
            for started in beside:
                started.result()

        self._await(COREDNS)

    def _control_plane(self) -> None:
        commands = self._commands()
        first = [ETCD, APISERVER, *([COMPONENT] if COMPONENT in commands else [])]
        for name in first:
            self._supervisor.start(commands[name])

        self._await(APISERVER)
        self._say("  API server ready")
        self._grant()
        for name, command in commands.items():
            if name not in first and name not in _LATER:
                self._supervisor.start(command)

        self._await(CONTROLLERS)

    def _commands(self) -> dict[str, Command]:
        """All components of the control plane's namespace."""
        context = self._context
        commands = [
            controlplane.etcd(context),
            controlplane.apiserver(context),
            *controlplane.after_apiserver(context),
        ]
        if self._full is not None and self._full.s3 is not None:
            commands.append(self._full.s3.command())
        if self._full is not None and self._full.cosi is not None:
            commands += self._full.cosi.commands()
        if self._full is not None and self._full.volumes is not None:
            commands.append(self._full.volumes.command())

        namespace = context.plan.namespace

        return {c.name: replace(c, arguments=entered(namespace, c.arguments)) for c in commands}

    def _await(self, name: str) -> None:
        """Waits until `name` does what it is for; one without a test is taken at its word."""
        tests: dict[str, Callable[[], bool]] = {APISERVER: self._api.is_ready}
        if self._context.spec.controller_manager:
            tests[CONTROLLERS] = self._has_default_account

        if self._full is not None:
            tests[COREDNS] = lambda: dns.answers(self._context.plan.unique)
            if self._full.s3 is not None:
                tests[COMPONENT] = self._full.s3.is_ready
            if self._full.cosi is not None:
                tests |= {p: partial(self._full.cosi.is_ready, p) for p in cosi.PARTS}
            if self._full.volumes is not None:
                tests[volumes.COMPONENT] = self._full.volumes.is_ready

        if name in tests:
            needs = _NEEDS.get(name, ())
            self._supervisor.await_ready(name, tests[name], seconds=APISERVER_SECONDS, needs=needs)

    def _has_default_account(self) -> bool:
        return self._api.request("GET", _DEFAULT_ACCOUNT).status == 200

    def _grant(self) -> None:
        for document in yaml.safe_load_all((MANIFESTS / "rbac.yaml").read_text()):
            path = f"/apis/{_PLURALS[document['kind']]}/{document['metadata']['name']}"
            self._api.apply(path, document)
