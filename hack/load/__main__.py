"""`python -m hack.load run HOST:PORT`: puts load on a registry and counts what fails.

Prints a table. The exit code is 1 when a request failed. A password is taken from the environment
(LOAD_PASSWORD), as arguments are seen by everybody on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from hack.load.address import Address
from hack.load.failure import RequestError
from hack.load.load import Load, Plan
from hack.load.table import table
from hack.load.tally import Report
from hack.load.wire import Login, Patience

_PASSWORD = "LOAD_PASSWORD"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the load that is asked for and return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        address, plan = Address.parse(options.address), _plan(options)
    except ValueError as error:
        parser.error(str(error))
    login = Login(options.user, os.environ.get(_PASSWORD, "")) if options.user else None
    try:
        report = asyncio.run(_run(Load(address, plan, login=login)))
    except RequestError as failed:
        print(f"error: nothing can be pushed: {failed.kind}: {failed}", file=sys.stderr)
        return 1
    print(table(report))
    if options.json:
        options.json.write_text(json.dumps(asdict(report), indent=1))

    return 1 if report.failed else 0


async def _run(load: Load) -> Report:
    async with load:
        await load.over()

    return load.report()


def _plan(options: argparse.Namespace) -> Plan:
    patience = Patience(connect=min(Patience().connect, options.timeout), answer=options.timeout)

    return Plan(
        rate=options.rate,
        seconds=options.seconds,
        seed=options.seed,
        size=options.size,
        patience=patience,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.load", description=__doc__)
    run = parser.add_subparsers(required=True).add_parser("run", help="put load on a registry")
    run.add_argument("address", metavar="HOST:PORT", help="of loopback or a private network")
    run.add_argument("--seconds", type=float, default=60.0, metavar="N", help="how long")
    run.add_argument("--rate", type=float, default=60.0, metavar="R", help="requests a second")
    run.add_argument("--seed", type=int, default=1, metavar="N", help="of content and order")
    run.add_argument("--size", type=int, default=4096, metavar="BYTES", help="of a layer")
    run.add_argument("--timeout", type=float, default=30.0, metavar="N", help="for an answer")
    run.add_argument("--user", metavar="NAME", help=f"for basic auth, password in {_PASSWORD}")
    run.add_argument("--json", type=Path, metavar="FILE", help="write the whole report")

    return parser


if __name__ == "__main__":
    sys.exit(main())
