"""The parts of one cluster put together from what is kept of it; nothing is started.

In flows a cluster's folder; out flow the objects that act on it. This is the one place that knows
which profile has which parts.
"""

from __future__ import annotations

from dataclasses import dataclass

from hack.cluster import controlplane, host
from hack.cluster.api import Api
from hack.cluster.boot import Boot, Full
from hack.cluster.controlplane import Context
from hack.cluster.cosi import Cosi
from hack.cluster.credentials import Credentials
from hack.cluster.error import ClusterError
from hack.cluster.faults import Faults
from hack.cluster.forwards import APISERVER, Forward, Forwards
from hack.cluster.home import Home, lock, taken_ports
from hack.cluster.network import Network
from hack.cluster.nodes import Nodes
from hack.cluster.plan import Plan, Spec, choose_port, choose_ports
from hack.cluster.process import Supervisor
from hack.cluster.report import Say
from hack.cluster.s3 import S3
from hack.cluster.tools import Toolbox
from hack.cluster.volumes import Volumes

_PORTS_LOCK = "ports"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """All parts of one cluster. `full` is None for a control plane alone."""

    context: Context
    supervisor: Supervisor
    api: Api
    full: Full | None
    boot: Boot
    faults: Faults


def assemble(home: Home, *, toolbox: Toolbox, say: Say) -> Assembly:
    """The parts of the cluster in `home`; its tools are built when they are missing."""
    spec, plan = home.spec(), home.plan()
    context = Context(
        spec=spec,
        plan=plan,
        home=home,
        credentials=Credentials(home, plan),
        binaries=toolbox.ensure(controlplane.tools(spec, full=plan.full)),
    )
    supervisor = supervise(home)
    api = Api(context.credentials.outside, context.credentials.admin)
    full = _full(context, supervisor, api, toolbox) if plan.full else None
    boot = Boot(context, supervisor, api, full, say)

    return Assembly(
        context=context,
        supervisor=supervisor,
        api=api,
        full=full,
        boot=boot,
        faults=Faults(supervisor, boot, full, plan.ports),
    )


def supervise(home: Home) -> Supervisor:
    """The supervisor of the cluster in `home`, which may be half made."""
    return Supervisor(run=home.run, log=home.log, mark=str(home.root))


def settle(spec: Spec) -> None:
    """Keeps the settings of a new cluster; to an existing one nodes, COSI and volumes can be added.

    Raises ClusterError when the cluster exists with other options.
    """
    home = Home(spec.name)
    if not home.exists:
        with lock(_PORTS_LOCK):
            home.write(spec, choose_ports(spec, taken_ports(), host.is_free))

        return

    existing = home.spec()
    grown = existing.grown_to(spec)
    if grown != spec.grown_to(existing):
        raise ClusterError(
            f"cluster {spec.name}",
            f"exists with other options: {existing}",
            cure=f"python -m hack.cluster down {spec.name}, or use another name",
        )

    home.write(grown, home.ports())


def _full(context: Context, supervisor: Supervisor, api: Api, toolbox: Toolbox) -> Full:
    network = Network(context.plan)
    forwards = Forwards(context.home.forwards, supervisor, _choose_port)
    forwards.keep(APISERVER, _door(context.plan))
    store = S3(context.home.s3, context.plan.unique) if context.spec.s3 else None
    cosi = Cosi(context, store, api, toolbox) if store and context.spec.cosi else None

    return Full(
        network=network,
        nodes=Nodes(context, supervisor, network, api),
        forwards=forwards,
        s3=store,
        cosi=cosi,
        volumes=Volumes(context, api) if context.spec.volumes else None,
    )


def _door(plan: Plan) -> Forward:
    return Forward(
        listen=plan.ports.host,
        namespace=plan.unique,
        address=plan.address,
        port=plan.ports.apiserver,
    )


def _choose_port() -> int:
    with lock(_PORTS_LOCK):
        return choose_port("forward", taken_ports(), host.is_free)
