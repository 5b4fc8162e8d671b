"""Commands of the operator.

In: flags, or environment variables `REGISTRY_OPERATOR_<FLAG>`. Out: a running operator
(running.py), the state of one that runs, what a Registry comes to with its template, the CRDs, or
the version.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO, TypeVar

import click
import structlog

from registry_operator import __version__, debug_client, logs, rendering, running, state_table
from registry_operator.api.crd import DEFINITIONS, crd, to_yaml
from registry_operator.kube.errors import KubeError
from registry_operator.runtime import dump
from registry_operator.settings import DEBUG_ADDRESS, RunSettings

log = structlog.get_logger(__name__)
_Command = TypeVar("_Command", bound=Callable[..., Any])


def _flag(*names: str, **settings: Any) -> Callable[[_Command], _Command]:
    """An option that can also be given by the environment, as `REGISTRY_OPERATOR_<FLAG>`."""
    variable = names[0].partition("/")[0].removeprefix("--").replace("-", "_").upper()
    return click.option(
        *names, envvar=f"REGISTRY_OPERATOR_{variable}", show_envvar=True, **settings
    )


@click.group(context_settings={"show_default": True})
def main() -> None:
    """Run CNCF Distribution registries on Kubernetes.

    Write a Registry, and the operator makes and keeps the Deployment, Service, bucket and
    everything else that it needs. Start with `crds | kubectl apply --server-side -f -`, then `run`.
    """


@main.command()
@_flag(
    "--kubeconfig",
    type=click.Path(dir_okay=False),
    help="File to reach the cluster by; without it: the pod's own account, or kubectl's default.",
)
@_flag("--context", help="Context of the kubeconfig.")
@_flag("--namespace", help="Look at this namespace only; without it: at all.")
@_flag(
    "--workers", type=click.IntRange(1, 64), default=4, help="Concurrent reconciles of each kind."
)
@_flag(
    "--leader-elect/--no-leader-elect",
    default=False,
    help="Work only while holding a Lease: needed with several replicas.",
)
@_flag("--leader-election-namespace", help="Namespace of the Lease; without it: the pod's own.")
@_flag(
    "--lease-duration",
    type=click.IntRange(2),
    default=15,
    help="Seconds after which others take over a Lease that is not renewed.",
)
@_flag(
    "--renew-deadline",
    type=click.FloatRange(1),
    default=10.0,
    help="Seconds after which a leader that could not renew its Lease ends.",
)
@_flag(
    "--retry-period",
    type=click.FloatRange(1),
    default=2.0,
    help="Seconds between two tries to take or renew the Lease.",
)
@_flag("--metrics-bind-address", default=":8080", help="Where Prometheus finds /metrics.")
@_flag(
    "--health-probe-bind-address",
    default=":8081",
    help="Where the kubelet finds /healthz and /readyz.",
)
@_flag(
    "--debug-bind-address",
    default=DEBUG_ADDRESS,
    help="Where /debug/state is, on loopback only; 0 turns it off.",
)
@_flag(
    "--slow-reconcile-after",
    type=click.FloatRange(min=0.0, min_open=True),
    default=30.0,
    help="Seconds after which a reconcile that goes on is logged with the place where it waits.",
)
@_flag(
    "--allow-host-path/--no-allow-host-path",
    default=False,
    help="Let Registries keep images in folders of nodes (spec.storage.hostPath).",
)
@_flag(
    "--client-checks/--no-client-checks",
    default=True,
    help="Push, pull and delete through the Services of Registries (spec.healthCheck).",
)
@_flag(
    "--log-format",
    type=click.Choice(["json", "console"]),
    default="json",
    help="json for machines, console for people.",
)
@_flag(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    help="debug tells every reconcile and its outcome.",
)
def run(*, log_format: str, log_level: str, **flags: Any) -> None:
    """Run the operator until it is told to stop.

    Every flag can be given by the environment, for example --log-level by
    REGISTRY_OPERATOR_LOG_LEVEL. Ends with 0 after a signal, with 1 when the Lease is lost or
    something went wrong that can't be mended from inside.
    """
    logs.configure(level=log_level, as_json=log_format == "json")
    dump.arm()
    try:
        asyncio.run(running.run(RunSettings(**flags)))
    except (KubeError, OSError, ValueError, RuntimeError) as error:
        # No traceback unless asked for: these say what is wrong with the world, not with us.
        trace = log_level == "debug"
        log.error("stopped", reason=type(error).__name__, error=str(error), exc_info=trace)  # noqa: TRY400
        sys.exit(1)


@main.command()
def crds() -> None:
    """Print the CustomResourceDefinitions, for `kubectl apply --server-side -f -`."""
    click.echo("---\n".join(to_yaml(crd(one)) for one in DEFINITIONS), nl=False)


@main.command()
@click.option(
    "--filename",
    "-f",
    "files",
    type=click.File(),
    multiple=True,
    required=True,
    help="Manifests; - is standard input. Can be given several times.",
)
@click.option(
    "--output",
    "-o",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    help="yaml has where each field came from behind it; json has it in a map of its own.",
)
@_flag(
    "--kubeconfig",
    type=click.Path(dir_okay=False),
    help="File to reach the cluster by, for a template that no file holds.",
)
@_flag("--context", help="Context of the kubeconfig.")
def render(
    *, files: tuple[TextIO, ...], output: str, kubeconfig: str | None, context: str | None
) -> None:
    """Print what each Registry comes to with its template and the defaults.

    A RegistryTemplate that is not in the files is read from the cluster. Ends with 1 where the two
    make no valid specification.
    """

    def fetch(name: str) -> Mapping[str, Any]:
        return asyncio.run(running.fetch_template(name, kubeconfig=kubeconfig, context=context))

    try:
        found = rendering.rendered(rendering.manifests(file.read() for file in files), fetch)
    except (KubeError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    if output == "json":
        click.echo(json.dumps([one.as_json() for one in found], indent=2))
    else:
        click.echo("---\n".join(one.as_yaml() for one in found), nl=False)
    problems = [f"{one.name}: {problem}" for one in found for problem in one.explained.problems]
    if problems:
        raise click.ClickException("\n".join(problems))


@main.command()
def version() -> None:
    """Print the operator's version."""
    click.echo(__version__)


@main.command()
@click.argument("key", required=False)
@click.option("--controller", help="Only what this controller does.")
@click.option("--limit", type=click.IntRange(0), help="At most so many keys of each controller.")
@click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    help="table for people; json is the answer of /debug/state as it is.",
)
@_flag("--debug-bind-address", default=DEBUG_ADDRESS, help="Where the operator serves its state.")
def state(*, debug_bind_address: str, output: str, **question: str | int | None) -> None:
    """Show what a running operator does, and what each key waits for.

    KEY, as NAMESPACE/NAME, shows one key alone, with the place where each reconcile of it waits.
    In a cluster: `kubectl -n registry-operator-system exec deploy/registry-operator -- python -m
    registry_operator state NAMESPACE/NAME`.
    """
    try:
        answer = debug_client.fetch(debug_bind_address, question)
    except (debug_client.NoAnswerError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    told = question["key"] is not None
    text = answer if output == "json" else state_table.render(json.loads(answer), stacks=told)
    click.echo(text, nl=False)
