"""`python -m hack.e2e`: runs Chainsaw stories on a full local cluster and the installed operator.

The cluster is made for the run and taken down at its end, also when it fails or is interrupted. The
exit code is 0 when every story passed, no request of the operator was forbidden, and (when all
stories ran) every right of its roles was used.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from hack.cluster.error import ClusterError
from hack.e2e.chainsaw import Chainsaw
from hack.e2e.report import merge
from hack.e2e.run import Run, full_cluster
from hack.e2e.story import stories
from hack.images.errors import ImageError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the stories that are asked for and returns the exit code."""
    options = _parser().parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):  # a shell's background job ignores SIGINT
        signal.signal(number, _interrupt)
    try:
        chosen = stories(options.story)
        if options.list:
            print("\n".join(f"{story.name:34} {story.phase.name.lower()}" for story in chosen))
            return 0

        with (
            tempfile.TemporaryDirectory(prefix="registry-operator-e2e-") as work,
            full_cluster(options.cluster, keep=options.keep) as cluster,
        ):
            chainsaw = Chainsaw(cluster=cluster, work=Path(work), parallel=options.parallel)
            run = Run(cluster=cluster, chainsaw=chainsaw, stories=chosen)
            passed = run.everything()
            if options.report:
                merge(run.reports, run.verdicts, out=options.report)
    except (ClusterError, ImageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130

    return 0 if passed else 1


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.e2e", description=__doc__)
    parser.add_argument("--story", default="*", metavar="GLOB", help="stories by name (default: *)")
    parser.add_argument("--list", action="store_true", help="show the stories and their phases")
    parser.add_argument(
        "--keep", action="store_true", help="leave the cluster running, and use it the next time"
    )
    parser.add_argument("--cluster", default="e2e", metavar="NAME", help="name of the cluster")
    parser.add_argument("--parallel", type=int, default=6, metavar="N", help="stories at once")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a JUnit report")

    return parser


if __name__ == "__main__":
    sys.exit(main())
