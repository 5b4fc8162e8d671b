"""A local cluster by name: brought up, asked, broken and taken down.

The one class that tests and the demo use.

In flow a name and options; out flow a kubeconfig, answers of kubectl and of commands run inside,
and faults. Nothing lives in this object: every process, file and namespace outlives it, and
`attach` finds them again.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from hack.cluster import controlplane, host
from hack.cluster.api import Api
from hack.cluster.audit import AuditLog
from hack.cluster.boot import Boot
from hack.cluster.controlplane import SIMULATED, Context
from hack.cluster.credentials import Credentials
from hack.cluster.error import ClusterError
from hack.cluster.faults import Faults
from hack.cluster.home import Home, lock, names
from hack.cluster.plan import Plan, Profile, Spec, choose_ports
from hack.cluster.process import Supervisor
from hack.cluster.report import Say, to_stderr
from hack.cluster.teardown import Leftovers, leftovers, remove
from hack.cluster.tools import Toolbox

TOKEN_SECONDS = 24 * 3600
_PORTS_LOCK = "ports"


class Cluster:
    """The cluster `name` of this user, which must exist (`up` makes it, `attach` finds it)."""

    def __init__(self, name: str, *, say: Say = to_stderr) -> None:
        self.name = name
        self.home = Home(name)
        self.spec: Spec = self.home.spec()
        self.plan: Plan = self.home.plan()
        self.audit = AuditLog(self.home.audit / "audit.log")
        self._say = say
        self._supervisor = Supervisor(
            run=self.home.run, log=self.home.log, mark=str(self.home.root)
        )

    @classmethod
    def up(
        cls,
        name: str,
        *,
        profile: Profile | str = Profile.CONTROL_PLANE,
        nodes: int = 2,
        s3: bool = False,
        kwok: bool = False,
        controller_manager: bool = True,
        scheduler: bool = True,
        audit: bool = False,
        apiserver_args: Sequence[str] = (),
        say: Say = to_stderr,
    ) -> Cluster:
        """The cluster `name`, running and ready.

        Made, completed, or found as it is when it runs already.

        Raises ClusterError when the host cannot run it, when a tool cannot be built or a component
        does not come up, and when the cluster exists with other options.
        """
        spec = Spec(
            name=name,
            profile=Profile(profile),
            nodes=nodes,
            s3=s3,
            kwok=kwok,
            controller_manager=controller_manager,
            scheduler=scheduler,
            audit=audit,
            apiserver_args=tuple(apiserver_args),
        )
        host.require(spec.profile, say)
        with lock(name):
            _settle(spec)
            cluster = cls(name, say=say)
            cluster._boot.everything()

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
        """Ends every process, and removes every namespace, cgroup and file.

        Returns what is left (nothing).
        """
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

            return self._credentials.token(f"system:serviceaccount:{namespace}:{name}", token)

        if user is not None:
            return self._credentials.user(user, groups)

        return self._credentials.administrator()

    @property
    def server(self) -> str:
        """The API server's URL for processes of the host."""
        return self.plan.host_server

    @cached_property
    def api(self) -> Api:
        """The API server, as the administrator."""
        return Api(self._credentials.outside, self._credentials.admin)

    def kubectl(self, *arguments: str, check: bool = True, stdin: str | None = None) -> str:
        """The output of kubectl, run on the host as the administrator.

        Raises ClusterError when it fails.
        """
        kubectl = self._toolbox.path("kubectl")
        answer = subprocess.run(
            [kubectl, *arguments],
            env=os.environ | {"KUBECONFIG": str(self.kubeconfig())},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and answer.returncode:
            raise ClusterError(f"kubectl {' '.join(arguments)}", answer.stderr or answer.stdout)

        return answer.stdout

    def simulate_nodes(self, count: int, *, prefix: str = "simulated") -> list[str]:
        """Makes `count` nodes that kwok keeps alive; returns their names.

        Nodes that exist are kept.
        """
        if not self.spec.kwok:
            raise ClusterError("simulated nodes", "kwok does not run here", cure="up with kwok")

        nodes = [f"{prefix}-{number}" for number in range(1, count + 1)]
        for node in nodes:
            self.api.apply(
                f"/api/v1/nodes/{node}",
                {
                    "apiVersion": "v1",
                    "kind": "Node",
                    "metadata": {
                        "name": node,
                        "annotations": {SIMULATED: "fake"},
                        "labels": {"kubernetes.io/hostname": node, "type": "kwok"},
                    },
                },
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

    @cached_property
    def _toolbox(self) -> Toolbox:
        return Toolbox(say=self._say)

    @cached_property
    def _credentials(self) -> Credentials:
        return Credentials(self.home, self.plan)

    @cached_property
    def _boot(self) -> Boot:
        context = Context(
            spec=self.spec,
            plan=self.plan,
            home=self.home,
            credentials=self._credentials,
            binaries=self._toolbox.ensure(controlplane.tools(self.spec, full=self.plan.full)),
        )

        return Boot(context, self._supervisor, self.api, say=self._say)

    @cached_property
    def _faults(self) -> Faults:
        return Faults(self._supervisor, self._boot)


def take_down(name: str) -> Leftovers:
    """Takes down cluster `name`, even one that was only half made.

    Returns what is left (nothing).
    """
    home = Home(name)
    remove(home)

    return leftovers(home)


def _settle(spec: Spec) -> None:
    """Keeps the settings of a new cluster, or checks that an existing one has the same."""
    home = Home(spec.name)
    if home.exists:
        if home.spec() != spec:
            raise ClusterError(
                f"cluster {spec.name}",
                f"exists with other options: {home.spec()}",
                cure=f"python -m hack.cluster down {spec.name}, or use another name",
            )

        return

    with lock(_PORTS_LOCK):
        taken = {port for name in names() for port in Home(name).ports().on_host}
        home.write(spec, choose_ports(spec, taken, host.is_free))
