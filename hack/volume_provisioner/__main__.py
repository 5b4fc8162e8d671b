"""`python -m hack.volume_provisioner`: serves claims until it is ended.

In flow an API server by a kubeconfig, and folders of this machine; out flow volumes. It can be
ended anywhere: what is not finished is decided again.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from hack.cluster.api import Api
from hack.cluster.error import ClusterError
from hack.cluster.kubeconfig import unpacked
from hack.volume_provisioner.folders import Folders
from hack.volume_provisioner.presence import Presence
from hack.volume_provisioner.provisioner import Provisioner

_SECONDS, _SECONDS_OF_TROUBLE = 0.5, 2.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves for ever, and is present at the shared folder once it has seen the cluster."""
    options = _parser().parse_args(arguments)
    options.shared.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:  # read at once: the key stays no longer
        api = Api(*unpacked(options.kubeconfig, Path(folder)))

    provisioner = Provisioner(api, Folders(options.nodes, options.shared))
    presence = Presence(options.shared)
    while True:
        time.sleep(_SECONDS if _work(provisioner, presence) else _SECONDS_OF_TROUBLE)


def _work(provisioner: Provisioner, presence: Presence) -> bool:
    """Whether all is done that is due."""
    try:
        is_done = provisioner.work()
    except (OSError, ClusterError) as error:
        print(f"sees nothing: {error}", flush=True)

        return False

    presence.show()

    return is_done


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.volume_provisioner", description=__doc__)
    parser.add_argument(
        "--kubeconfig", required=True, type=Path, metavar="FILE", help="with a client certificate"
    )
    parser.add_argument(
        "--nodes", required=True, type=Path, metavar="FOLDER", help="where each node has a folder"
    )
    parser.add_argument(
        "--shared", required=True, type=Path, metavar="FOLDER", help="which all nodes see"
    )

    return parser


if __name__ == "__main__":
    main()
