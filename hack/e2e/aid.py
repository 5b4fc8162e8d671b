"""`story COMMAND …`: what scripts of stories ask of the local cluster itself.

In flow a command and the names in the environment (STORY_CLUSTER, NAMESPACE); out flow its effect
and an exit code. See hack/e2e/bin/story for the rest of the vocabulary.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable

from hack.cluster.cluster import Cluster
from hack.cluster.error import ClusterError
from hack.cluster.report import to_nowhere
from hack.cosi_driver.store import ALL, LIST
from registry_operator.distribution.check import RESERVED

_MAY = {"all": ALL, "list": LIST, "checks": ALL}
_IMAGES = "docker/registry/v2"
_FOLDERS = {"checks": (f"{_IMAGES}/blobs", f"{_IMAGES}/repositories/{RESERVED}")}


def _make_bucket(cluster: Cluster, name: str) -> None:
    cluster.s3.make_bucket(name)


def _trust(cluster: Cluster, address: str) -> None:
    cluster.trust_registry(address)


def _has_bucket(cluster: Cluster, name: str) -> None:
    print("yes" if cluster.s3.has_bucket(name) else "no")


def _account(cluster: Cluster, may: str) -> None:
    name = os.environ["NAMESPACE"]
    keys = cluster.s3.allow(name, _MAY[may], bucket=name, folders=_FOLDERS.get(may, ()))
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s3-credentials"},
        "stringData": {"accessKey": keys.access, "secretKey": keys.secret},
    }
    print(json.dumps(secret))


def _revoke(cluster: Cluster, name: str) -> None:
    account, _, access = name.partition("/")
    cluster.s3.revoke(account, access)


def _stop(cluster: Cluster, component: str) -> None:
    cluster.stop(component)


def _kill(cluster: Cluster, component: str) -> None:
    cluster.kill(component)


def _start(cluster: Cluster, component: str) -> None:
    cluster.start(component)


def _install_cosi(cluster: Cluster, _name: str) -> None:
    cluster.add_cosi()


_COMMANDS: dict[str, tuple[Callable[[Cluster, str], None], str]] = {
    "make-bucket": (_make_bucket, "make an empty bucket in the cluster's store"),
    "has-bucket": (_has_bucket, "say whether the cluster's store has a bucket: yes or no"),
    "account": (
        _account,
        "let the story's account do `all`, `list`, or what `checks` need; print a Secret with keys",
    ),
    "revoke": (_revoke, "take a key, ACCOUNT/ACCESS-KEY, away in the cluster's store"),
    "stop": (_stop, "stop a component of the cluster, for everybody"),
    "kill": (_kill, "end a component at once, or cut a node's power, for everybody"),
    "start": (_start, "start a component that was stopped, and wait until it works"),
    "trust": (_trust, "let the nodes pull from HOST:PORT without TLS"),
    "install-cosi": (_install_cosi, "install COSI"),
}


def main() -> int:
    """Runs one command and returns the exit code."""
    listed = "; ".join(f"{name}: {about}" for name, (_, about) in _COMMANDS.items())
    parser = argparse.ArgumentParser(prog="story", description=__doc__, epilog=listed)
    parser.add_argument("command", choices=list(_COMMANDS))
    parser.add_argument("name", nargs="?", default="")
    options = parser.parse_args()
    command, _ = _COMMANDS[options.command]
    try:
        cluster = Cluster.attach(os.environ["STORY_CLUSTER"], say=to_nowhere)
        command(cluster, options.name)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1

    return 0


if __name__ == "__main__":
    sys.exit(main())
