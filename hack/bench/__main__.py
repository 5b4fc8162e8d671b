"""`python -m hack.bench [--only NAME …] [-n N …]`: prints a line of JSON for every figure.

Progress goes to stderr. Nothing here fails because something is slow: `holds` says what is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from hack.bench import convergence, decoding, memory, queueing, rest
from hack.bench.figure import Figure
from registry_operator import logs

_WITHOUT_REGISTRIES = frozenset({"memory", "decode", "queue"})
BENCHES: Mapping[str, Callable[[int], Iterator[Figure]]] = {
    "converge": convergence.figures,
    "rest": rest.figures,
    "memory": memory.figures,
    "decode": decoding.figures,
    "queue": queueing.figures,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what is asked for, everything by default; 0 when it could be measured."""
    parser = argparse.ArgumentParser(prog="python -m hack.bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=BENCHES, help="may be repeated")
    parser.add_argument(
        "-n",
        dest="counts",
        action="append",
        type=int,
        help="Registries, where a benchmark has any (default 100); may be repeated",
    )
    parsed = parser.parse_args(arguments)
    logs.configure(level="error", as_json=False)
    for name in parsed.only or BENCHES:
        counts = parsed.counts or [100]
        for count in counts[:1] if name in _WITHOUT_REGISTRIES else counts:
            for figure in BENCHES[name](count):
                print(figure.line(), flush=True)

    return 0


if __name__ == "__main__":
    sys.exit(main())
