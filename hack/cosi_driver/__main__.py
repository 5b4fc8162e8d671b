"""`python -m hack.cosi_driver`: serves COSI's sidecar at COSI_ENDPOINT until it is told to end.

In flow the address of a SeaweedFS and a file with its administrator's keys, which are in no
argument and no environment; out flow buckets and keys for them.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from hack.cluster.aws import Client, Keys
from hack.cosi_driver.provisioner import Provisioner
from hack.cosi_driver.rpc import service
from hack.cosi_driver.store import Store

ENDPOINT = "COSI_ENDPOINT"
_WORKERS = 10
_GRACE_SECONDS = 3.0


def serve(provisioner: Provisioner, endpoint: str) -> grpc.Server:
    """A server at `endpoint` (`unix:///….sock`), which serves already."""
    server = grpc.server(ThreadPoolExecutor(max_workers=_WORKERS))
    server.add_generic_rpc_handlers(
        (
            service("Identity", provisioner.identity()),
            service("Provisioner", provisioner.provisioner()),
        )
    )
    server.add_insecure_port(endpoint)
    server.start()

    return server


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until SIGTERM or SIGINT, and ends when the calls that run have ended."""
    options = _parser().parse_args(arguments)
    keys = Keys(**json.loads(options.keys.read_text()))
    store = Store(Client(options.store, options.region, keys))
    provisioner = Provisioner(
        store, endpoint=options.store, region=options.region, secret=keys.secret
    )
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: told.set())

    endpoint = os.environ[ENDPOINT]
    server = serve(provisioner, endpoint)
    print(f"serving {options.store} at {endpoint}", flush=True)
    told.wait()
    server.stop(_GRACE_SECONDS).wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.cosi_driver", description=__doc__)
    parser.add_argument("--store", required=True, metavar="URL", help="where SeaweedFS serves")
    parser.add_argument("--region", required=True, help="the region that it is told")
    parser.add_argument(
        "--keys", required=True, type=Path, metavar="FILE", help="JSON with `access` and `secret`"
    )

    return parser


if __name__ == "__main__":
    main()
