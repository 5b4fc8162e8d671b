"""A local cluster by name: brought up, asked, broken and taken down.

This is the one class that tests and the demo use. In flow a name and options; out flow a
kubeconfig, answers of kubectl and of commands run inside, and faults. Nothing lives in this object:
every process, file and namespace outlives it, and `attach` finds them again.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from hack.cluster import host
from hack.cluster.api import Api
from hack.cluster.assembly import Assembly, assemble, settle, supervise
from hack.cluster.audit import AuditLog
from hack.cluster.boot import Full
from hack.cluster.breakable import Breakable
from hack.cluster.controlplane import SIMULATION
from hack.cluster.error import ClusterError
from hack.cluster.faults import Faults
from hack.cluster.home import Home, lock, names
from hack.cluster.network import enter, entered_with_dns
from hack.cluster.plan import Plan, Profile, Spec, node_name
from hack.cluster.process import MARK, completed
from hack.cluster.report import Say, to_stderr
from hack.cluster.s3 import S3
from hack.cluster.simulated import simulated_node
from hack.cluster.teardown import Leftovers, leftovers, remove
from hack.cluster.tools import Toolbox

TOKEN_SECONDS = 24 * 3600


class Cluster(Breakable):
    """The cluster `name` of this user, which must exist (`up` makes it, `attach` finds it)."""

    def __init__(self, name: str, *, say: Say = to_stderr) -> None:
        self.name = name
        self.home = Home(name)
        self.spec: Spec = self.home.spec()
        self.plan: Plan = self.home.plan()
        self.audit = AuditLog(self.home.audit / "audit.log")
        self._say = say
        self._supervisor = supervise(self.home)

    @classmethod
    def up(
        cls,
        name: str,
        *,
        profile: Profile | str = Profile.CONTROL_PLANE,
        nodes: int = 2,
        s3: bool = False,
        cosi: bool = False,
        volumes: bool = False,
        kwok: bool = False,
        controller_manager: bool = True,
        scheduler: bool = True,
        audit: bool = False,
        apiserver_args: Sequence[str] = (),
        images: Sequence[Path] = (),
        say: Say = to_stderr,
    ) -> Cluster:
        """The cluster `name`, running and ready: made, completed, or found as it is.

        `images` are docker-archive tars for every node. Raises ClusterError when the host cannot
        run it, when a tool cannot be built or a component does not come up, and when the cluster
        exists with other options.
        """
        spec = Spec(
            name=name,
            profile=Profile(profile),
            nodes=nodes,
            s3=s3,
            cosi=cosi,
            volumes=volumes,
            kwok=kwok,
            controller_manager=controller_manager,
            scheduler=scheduler,
            audit=audit,
            apiserver_args=tuple(apiserver_args),
        )
        host.require(spec.profile, say)
        with lock(name):
            settle(spec)
            cluster = cls(name, say=say)
            cluster._assembly.boot.everything()
            for image in images:
                cluster.load(image)

        return cluster

    @classmethod
    def attach(cls, name: str, *, say: Say = to_stderr) -> Cluster:
        """The cluster `name` as it is. Raises ClusterError when there is none."""
        if not Home(name).exists:
            others = ", ".join(names()) or "none"
            raise ClusterError(
                f"cluster {name}",
                f"does not exist (there are: {others})",
                cure=f"python -m hack.cluster up {name}",
            )

        return cls(name, say=say)

    def down(self) -> Leftovers:
        """Ends every process, removes every namespace, cgroup and file; returns what is left."""
        with lock(self.name):
            return take_down(self.name)

    def kubeconfig(
        self, user: str | None = None, groups: Sequence[str] = (), service_account: str = ""
    ) -> Path:
        """A kubeconfig that works for any process of the host: the administrator's, or another's.

        With `user` and `groups` a client certificate, signed by the cluster's authority. With
        `service_account` (`NAMESPACE/NAME`) a token of a day, minted by TokenRequest; the account
        must exist.
        """
        if service_account:
            namespace, _, name = service_account.rpartition("/")
            path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
            spec = {"expirationSeconds": TOKEN_SECONDS}
            token = self.api.post(path, {"spec": spec})["status"]["token"]

            return self._assembly.context.credentials.token(
                f"system:serviceaccount:{namespace}:{name}", token
            )

        if user is not None:
            return self._assembly.context.credentials.user(user, groups)

        return self._assembly.context.credentials.administrator()

    @property
    def server(self) -> str:
        """The API server's URL for processes of the host."""
        return self.plan.host_server

    @property
    def api(self) -> Api:
        """The API server, as the administrator."""
        return self._assembly.api

    def kubectl(self, *arguments: str, check: bool = True, stdin: str | None = None) -> str:
        """The output of kubectl, run on the host as the administrator.

        Raises ClusterError when it fails.
        """
        command = [str(self._toolbox.path("kubectl")), *arguments]
        environment = {"KUBECONFIG": str(self.kubeconfig())}

        return completed(command, environment, stdin=stdin, check=check).stdout

    def simulate_nodes(self, count: int, *, prefix: str = "simulated") -> list[str]:
        """Makes `count` nodes that kwok keeps alive, and returns their names.

        One that exists is kept.

        Beside real nodes they are tainted, so that only pods which tolerate that go there. Where a
        controller manager runs, all take pods then.
        """
        if not self.spec.kwok:
            raise ClusterError("simulated nodes", "kwok does not run here", cure="up with kwok")

        nodes = [f"{prefix}-{number}" for number in range(1, count + 1)]
        for node in nodes:
            self.api.apply(f"/api/v1/nodes/{node}", simulated_node(node, tainted=self.plan.full))
        if self.spec.controller_manager:
            self._supervisor.await_ready(
                SIMULATION, lambda: all(self.api.node_takes_pods(node) for node in nodes)
            )

        return nodes

    def components(self) -> dict[str, str]:
        """Every component by name, and its state: `running`, `paused` or `dead`."""
        return {name: self._supervisor.state(name) for name in self._supervisor.names()}

    def pid(self, component: str) -> int:
        """The process id of a component on the host. Raises ClusterError when it is not running."""
        pid = self._supervisor.pid(component)
        if pid is None:
            raise ClusterError(component, "is not running", cure="see `components`")

        return pid

    def log(self, component: str) -> Path:
        """The file that a component writes its output to."""
        return self._supervisor.log(component)

    def add_node(self) -> str:
        """Adds one real node, waits until it is Ready, and returns its name."""
        with lock(self.name):
            self._grow(self.home.spec().with_nodes(self.spec.nodes + 1))
            name = node_name(self.spec.nodes)
            self._full.nodes.start(name)

        return name

    def add_cosi(self) -> None:
        """Adds COSI, unless it is there, and returns when it makes buckets."""
        with lock(self.name):
            self._grow(self.home.spec().with_cosi())
            self._assembly.boot.buckets()

    def add_volumes(self) -> None:
        """Adds volumes, unless they are there, and returns when they are made for claims."""
        with lock(self.name):
            self._grow(self.home.spec().with_volumes())
            self._assembly.boot.volumes()

    def nodes(self) -> list[str]:
        """The names of the real nodes, running or not."""
        return self._assembly.full.nodes.names() if self._assembly.full else []

    def load(self, image: Path, *, node: str | None = None) -> None:
        """Loads a docker-archive tar into every node, later ones included, or into one."""
        self._full.nodes.load(image, None if node is None else [node])

    def trust_registry(self, address: str) -> None:
        """Lets all nodes pull from `HOST:PORT` by plain HTTP."""
        self._full.nodes.trust_registry(address)

    def forward(self, address: str, port: int, *, node: str | None = None) -> int:
        """The port of the host's loopback that leads to `address:port` inside.

        Connections are made in the network of `node` (default: the first node's, where ClusterIPs
        work).
        """
        return self._full.forwards.open(self._namespace(node), address, port)

    def enter(self, *, node: str | None = None) -> None:
        """Moves the calling thread into the network of `node` (default: the first), for good."""
        enter(self._namespace(node))

    @property
    def s3(self) -> S3:
        """The S3 store: endpoint, region, keys, buckets. Raises ClusterError when there is none."""
        store = self._full.s3
        if store is None:
            raise ClusterError("s3", "does not run here", cure="up with s3")

        return store

    def run(
        self,
        arguments: Sequence[str],
        *,
        node: str | None = None,
        check: bool = True,
        stdin: str | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program in the network of `node` (default: the first), with its DNS and kubectl.

        For a control plane alone, inside is the host. Raises ClusterError when it fails and `check`
        is set.
        """
        command = self.command_inside(arguments, node=node)
        settings = self.environment_inside() | dict(environment)

        return completed(command, settings, stdin=stdin, check=check, timeout=timeout)

    def command_inside(self, arguments: Sequence[str], *, node: str | None = None) -> list[str]:
        """The command line that runs `arguments` inside, for callers that start it themselves."""
        if self._assembly.full is None:
            return list(arguments)

        return entered_with_dns(self._namespace(node), self.home.root, arguments)

    def environment_inside(self) -> dict[str, str]:
        """A program's environment inside.

        Kubectl, KUBECONFIG, and the mark that `down` looks for.
        """
        kubectl = self._toolbox.path("kubectl").parent
        path = os.pathsep.join([str(kubectl), os.environ.get("PATH", os.defpath)])
        config = self._assembly.context.credentials.administrator(inside=True)

        return {"PATH": path, "KUBECONFIG": str(config), MARK: str(self.home.root)}

    def _grow(self, spec: Spec) -> None:
        self.home.write(spec, self.home.ports())
        self.spec = spec
        vars(self).pop("_assembly", None)

    @property
    def _faults(self) -> Faults:
        return self._assembly.faults

    def _namespace(self, node: str | None) -> str:
        nodes = self._full.nodes
        if node is None and not nodes.names():
            return self.plan.unique

        return nodes.namespace(node or nodes.names()[0])

    @property
    def _full(self) -> Full:
        full = self._assembly.full
        if full is None:
            raise ClusterError(
                f"cluster {self.name}",
                "has no nodes and no network: it is a control plane alone",
                cure=f"up with the {Profile.FULL} profile",
            )

        return full

    @cached_property
    def _toolbox(self) -> Toolbox:
        return Toolbox(say=self._say)

    @cached_property
    def _assembly(self) -> Assembly:
        return assemble(self.home, toolbox=self._toolbox, say=self._say)


def take_down(name: str) -> Leftovers:
    """Takes down cluster `name`, even a half-made one; returns what is left (nothing)."""
    home = Home(name)
    remove(home)

    return leftovers(home)
