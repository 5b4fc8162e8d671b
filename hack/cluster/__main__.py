"""`python -m hack.cluster`: the local cluster on the command line.

Each command is one call of `Cluster`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hack.cluster.command import COMMANDS
from hack.cluster.error import ClusterError

_EPILOG = """\
examples:
  python -m hack.cluster up dev                        API server, controllers, scheduler (no root)
  python -m hack.cluster up demo --profile full --s3   two real nodes, DNS and an S3 store (root)
  eval "$(python -m hack.cluster kubeconfig demo --export)"
  python -m hack.cluster fault demo power-off node-2
  python -m hack.cluster down demo
"""


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        prog="python -m hack.cluster",
        description="A real Kubernetes cluster on this machine, under a name, with faults.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help)
        command.options(sub)
        sub.set_defaults(action=command.action)

    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code. What fails is said on stderr, with what to do."""
    options = parser().parse_args(arguments)
    try:
        code: int = options.action(options)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: the same command again continues; `down` removes all", file=sys.stderr)
        return 130

    return code


if __name__ == "__main__":
    sys.exit(main())
