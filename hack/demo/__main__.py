"""`python -m hack.demo up|down`: see a Registry serve, and take all of it away again."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from hack.cluster import host
from hack.cluster.error import ClusterError
from hack.cluster.plan import Profile
from hack.cluster.report import Say
from hack.demo import current, local
from hack.images.errors import ImageError

_OTHERWISE = """
Without the local cluster, if you have a cluster of your own:
  kubectl apply -k config/overlays/development    installs the operator in it
  make demo CLUSTER=current                       runs the operator here, against your kubeconfig"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code."""
    options = _parser().parse_args(arguments)
    say = timed()
    try:
        if options.command == "down":
            return 0 if _down(say) else 1
        if options.cluster == "current":
            current.up(say)
            return 0
        host.require(Profile.FULL, say)
        local.up(say)
    except (ClusterError, ImageError) as error:
        print(f"error: {error}", file=sys.stderr)
        if options.command == "up" and options.cluster == "local":
            print(_OTHERWISE, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; make demo-down takes away what there is", file=sys.stderr)
        return 130

    return 0


def timed() -> Say:
    """Progress lines with the seconds since now."""
    started = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {line}", flush=True)

    return say


def _down(say: Say) -> bool:
    clean = current.down(say) if current.is_up() else True

    return local.down(say) and clean


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="bring the demo up, or up to date, and show it")
    up.add_argument(
        "--cluster",
        choices=["local", "current"],
        default="local",
        help="a cluster of its own, or the one of your kubeconfig",
    )
    commands.add_parser("down", help="take it down and say what is left")

    return parser


if __name__ == "__main__":
    sys.exit(main())
