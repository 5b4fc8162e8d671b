"""The commands of `python -m hack.cluster`: for each its options and what it does.

Results go to stdout.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import home
from hack.cluster.cluster import Cluster, take_down
from hack.cluster.error import ClusterError
from hack.cluster.plan import LOOPBACK, Profile
from hack.cluster.report import to_stderr
from hack.cluster.tools import FAMILY_OF, Toolbox

FAULTS = {
    "stop": Cluster.stop,
    "kill": Cluster.kill,
    "pause": Cluster.pause,
    "resume": Cluster.resume,
    "start": Cluster.start,
    "restart": Cluster.restart,
    "cut": Cluster.cut,
    "join": Cluster.join,
    "power-off": Cluster.power_off,
}


@dataclass(frozen=True, slots=True)
class Subcommand:
    """A command: `options` declares its arguments, `action` runs it and returns the exit code."""

    name: str
    help: str
    options: Callable[[argparse.ArgumentParser], None]
    action: Callable[[argparse.Namespace], int]


def _name(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("name", nargs="?", default="dev", help="the cluster (default: dev)")


def _up_options(sub: argparse.ArgumentParser) -> None:
    _name(sub)
    profiles = [profile.value for profile in Profile]
    sub.add_argument("--profile", choices=profiles, default=Profile.CONTROL_PLANE.value)
    sub.add_argument("--nodes", type=int, default=2, help="real nodes (full profile; default 2)")
    sub.add_argument("--s3", action="store_true", help="an S3 store in the cluster (full profile)")
    sub.add_argument("--cosi", action="store_true", help="COSI over that store")
    sub.add_argument("--volumes", action="store_true", help="volumes for claims (full profile)")
    sub.add_argument("--kwok", action="store_true", help="simulated nodes and pods")
    sub.add_argument("--audit", action="store_true", help="record writes and refusals")
    sub.add_argument("--image", type=Path, action="append", default=[], metavar="TAR")
    sub.add_argument(
        "--apiserver-arg", action="append", default=[], metavar="--FLAG=VALUE", dest="apiserver"
    )


def _up(options: argparse.Namespace) -> int:
    cluster = Cluster.up(
        options.name,
        profile=options.profile,
        nodes=options.nodes,
        s3=options.s3,
        cosi=options.cosi,
        volumes=options.volumes,
        kwok=options.kwok,
        audit=options.audit,
        apiserver_args=options.apiserver,
        images=options.image,
    )

    print(cluster.kubeconfig())

    return 0


def _down_options(sub: argparse.ArgumentParser) -> None:
    _name(sub)
    sub.add_argument("--all", action="store_true", help="every cluster of this user")


def _down(options: argparse.Namespace) -> int:
    left = 0
    for name in home.names() if options.all else [options.name]:
        with home.lock(name):
            found = take_down(name)

        to_stderr(f"{name} is down; left: {found}")
        left += bool(found)

    return 1 if left else 0


def _list(_options: argparse.Namespace) -> int:
    for name in home.names():
        cluster = Cluster.attach(name)
        print(f"{name}\t{cluster.spec.profile}\t{cluster.server}")
        for component, state in cluster.components().items():
            print(f"  {component}\t{state}")

    return 0


def _kubeconfig_options(sub: argparse.ArgumentParser) -> None:
    _name(sub)
    sub.add_argument("--user", help="a client certificate for this user (default: administrator)")
    sub.add_argument("--group", action="append", default=[], help="with --user; may be repeated")
    sub.add_argument("--service-account", default="", metavar="NAMESPACE/NAME")
    sub.add_argument("--export", action="store_true", help="print an export line for a shell")


def _kubeconfig(options: argparse.Namespace) -> int:
    path = Cluster.attach(options.name).kubeconfig(
        options.user, options.group, options.service_account
    )
    print(f"export KUBECONFIG={path}" if options.export else path)

    return 0


def _kubectl_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("name", help="the cluster")
    sub.add_argument("arguments", nargs=argparse.REMAINDER, help="kubectl's arguments")


def _kubectl(options: argparse.Namespace) -> int:
    cluster = Cluster.attach(options.name)
    environment = os.environ | {"KUBECONFIG": str(cluster.kubeconfig())}
    kubectl = Toolbox().path("kubectl")
    sys.stdout.flush()
    os.execve(kubectl, ["kubectl", *options.arguments], environment)


def _run_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("name", help="the cluster")
    sub.add_argument("--node", help="in the network of this node (default: the first)")
    sub.add_argument("arguments", nargs=argparse.REMAINDER, metavar="-- COMMAND")


def _run(options: argparse.Namespace) -> int:
    cluster = Cluster.attach(options.name)
    given = options.arguments[1:] if options.arguments[:1] == ["--"] else options.arguments
    wanted = given or [os.environ.get("SHELL", "sh")]
    command = cluster.command_inside(wanted, node=options.node)
    sys.stdout.flush()
    os.execvpe(command[0], command, os.environ | cluster.environment_inside())


def _load_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("name", help="the cluster")
    sub.add_argument("tar", type=Path, nargs="+", help="images as docker-archive")
    sub.add_argument("--node", help="this node only (default: all, later ones included)")


def _load(options: argparse.Namespace) -> int:
    for tar in options.tar:
        Cluster.attach(options.name).load(tar, node=options.node)

    return 0


def _forward_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("name", help="the cluster")
    sub.add_argument("address", help="an address inside, a ClusterIP for one")
    sub.add_argument("port", type=int)
    sub.add_argument("--node", help="from the network of this node (default: the first)")


def _forward(options: argparse.Namespace) -> int:
    cluster = Cluster.attach(options.name)
    port = cluster.forward(options.address, options.port, node=options.node)
    print(f"{LOOPBACK}:{port}")

    return 0


def _add_node(options: argparse.Namespace) -> int:
    print(Cluster.attach(options.name).add_node())

    return 0


def _logs_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("name", help="the cluster")
    sub.add_argument("component", help="as `list` shows it")


def _logs(options: argparse.Namespace) -> int:
    log = Cluster.attach(options.name).log(options.component)
    if not log.exists():
        raise ClusterError(options.component, f"has no log at {log}", cure="see `list`")

    with log.open(errors="replace") as lines:
        sys.stdout.writelines(lines)

    return 0


def _fault_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("name", help="the cluster")
    sub.add_argument("fault", choices=FAULTS)
    sub.add_argument("component", help="a component or node, as `list` shows it")


def _fault(options: argparse.Namespace) -> int:
    cluster = Cluster.attach(options.name)
    FAULTS[options.fault](cluster, options.component)
    print(f"{options.component}: {cluster.components().get(options.component, 'done')}")

    return 0


def _build_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "tools", nargs="*", metavar="TOOL", help=f"default: all ({', '.join(FAMILY_OF)})"
    )


def _build(options: argparse.Namespace) -> int:
    for path in Toolbox().ensure(options.tools or list(FAMILY_OF)).values():
        print(path)

    return 0


COMMANDS = (
    Subcommand("up", "start a cluster, or complete it; prints its kubeconfig", _up_options, _up),
    Subcommand("down", "remove a cluster and all that it left", _down_options, _down),
    Subcommand("list", "clusters, their components and states", lambda _sub: None, _list),
    Subcommand("kubeconfig", "a kubeconfig for anybody", _kubeconfig_options, _kubeconfig),
    Subcommand("kubectl", "kubectl as the administrator", _kubectl_options, _kubectl),
    Subcommand("run", "a command (or a shell) inside the cluster's network", _run_options, _run),
    Subcommand("load", "load images into the nodes", _load_options, _load),
    Subcommand("forward", "a port of loopback that leads inside", _forward_options, _forward),
    Subcommand("add-node", "add a real node", _name, _add_node),
    Subcommand("logs", "what a component wrote", _logs_options, _logs),
    Subcommand("fault", "break or mend a component or node", _fault_options, _fault),
    Subcommand("build", "build the tools that are missing", _build_options, _build),
)
