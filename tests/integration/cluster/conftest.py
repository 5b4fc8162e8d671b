"""The full cluster of the tests in this folder: two real nodes, a store, and volumes added later.

It serves all files that ask for it: starting one takes as long as most of its tests.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster, take_down
from hack.cluster.home import Home
from hack.cluster.plan import Profile
from hack.cluster.report import to_nowhere
from hack.cluster.tools import Toolbox
from hack.images.archive import Entry, Image, write_archive

CONFIGURATION = b"""\
version: 0.1
storage: {filesystem: {rootdirectory: /var/lib/registry}}
http: {addr: ":5000"}
"""
REGISTRY = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector: {matchLabels: {app: web}}
      containers:
        - name: registry
          image: local/registry:test
          imagePullPolicy: Never
          readinessProbe: {httpGet: {path: /v2/, port: 5000}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 5000}]}
"""


@pytest.fixture(scope="package")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    registry = Toolbox(say=to_nowhere).path("registry-3.1")

    return write_archive(
        tmp_path_factory.mktemp("images") / "registry.tar",
        Image(
            names=["local/registry:test"],
            entries=[
                Entry(target="/bin/registry", source=registry),
                Entry(target="/etc/registry.yaml", source=CONFIGURATION, mode=0o644),
                Entry(target="/var/lib/registry", mode=0o1777),
                Entry(target="/tmp", mode=0o1777),
            ],
            entrypoint=["/bin/registry"],
            command=["serve", "/etc/registry.yaml"],
            user="65532:65532",
        ),
    )


@pytest.fixture(scope="package")
def cluster(image: Path) -> Iterator[Cluster]:
    name = f"t-{uuid.uuid4().hex[:8]}"
    try:
        made = Cluster.up(
            name, profile=Profile.FULL, nodes=2, s3=True, images=[image], say=to_nowhere
        )
        made.add_volumes()
        made.kubectl("apply", "-f", "-", stdin=REGISTRY)
        made.kubectl("rollout", "status", "deployment/web", "--timeout=90s")
        yield made
    finally:
        left = take_down(name)

    assert not left, left
    assert not list(Path("/sys/fs/cgroup").rglob(f"*{name}*"))
    assert not list(Home(name).root.parent.glob(f"*{name}*"))
