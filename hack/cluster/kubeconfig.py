"""Kubeconfig files: how a person, a test or a component reaches the API server, as exactly whom.

In flow the server's address, its authority and credentials (a client certificate or a token); out
flows one self-contained file, readable by its owner only, and what is in it again. Nothing refers
to other files, so it can be copied.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.pki import Pair


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An API server: its URL, and the certificate authority (PEM file) of its certificate."""

    server: str
    authority: Path


def kubeconfig(
    endpoint: Endpoint, *, cluster: str, user: str, credentials: Pair | str
) -> dict[str, object]:
    """A kubeconfig of one cluster, user and context.

    `credentials` are a client certificate or a bearer token.
    """
    secret = (
        {"token": credentials}
        if isinstance(credentials, str)
        else {
            "client-certificate-data": _encoded(credentials.certificate),
            "client-key-data": _encoded(credentials.key),
        }
    )
    authority = _encoded(endpoint.authority)

    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": cluster,
                "cluster": {
                    "server": endpoint.server,
                    "certificate-authority-data": authority,
                },
            }
        ],
        "users": [{"name": user, "user": secret}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": user}}],
        "current-context": cluster,
    }


def write_kubeconfig(path: Path, content: dict[str, object]) -> Path:
    """Writes `content` to `path` and returns `path`.

    Mode 0600, whole or not at all. It is JSON, which is YAML.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump(content, out, indent=2)

    partial.replace(path)

    return path


def unpacked(path: Path, folder: Path) -> tuple[Endpoint, Pair]:
    """What a file of ours with a client certificate holds, as files in `folder`."""
    content = json.loads(path.read_text())
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    found = {
        "ca.crt": cluster["certificate-authority-data"],
        "client.crt": user["client-certificate-data"],
        "client.key": user["client-key-data"],
    }
    for name, encoded in found.items():
        handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(base64.b64decode(encoded))

    authority, certificate, key = (folder / name for name in found)

    return Endpoint(cluster["server"], authority), Pair(certificate, key)


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
