"""Volumes in the full cluster: written by pods that are not root, grown, moved, and gone.

Needs Linux and root. The cluster is that of `test_full`, which ran before it got volumes.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hack.cluster.cluster import Cluster
from hack.cluster.report import to_nowhere
from hack.cluster.tools import Toolbox
from tests.integration.cluster.waiting import eventually

pytestmark = pytest.mark.e2e
USER = 65532
PROVISIONER = "volume-provisioner"


@pytest.fixture
def name(cluster: Cluster) -> Iterator[str]:
    """What claims and pods of a test are called; what is left of them goes."""
    chosen = f"v-{uuid.uuid4().hex[:6]}"
    yield chosen
    cluster.kubectl("delete", "pods,persistentvolumeclaims", f"-l=of={chosen}")


def claim(cluster: Cluster, name: str, storage_class: str, *modes: str, **spec: Any) -> None:
    wanted = {
        "storageClassName": storage_class,
        "accessModes": list(modes),
        "resources": {"requests": {"storage": "1Gi"}},
    }
    make(cluster, "PersistentVolumeClaim", name, name, wanted | spec)


def a_registry(cluster: Cluster, name: str, claim: str, *, node: str = "") -> str:
    """A registry that keeps its images on a claim; its address once it serves."""
    container = {
        "name": "registry",
        "image": "local/registry:test",
        "imagePullPolicy": "Never",
        "readinessProbe": {"httpGet": {"path": "/v2/", "port": 5000}, "periodSeconds": 1},
        "volumeMounts": [{"name": "data", "mountPath": "/var/lib/registry"}],
    }
    spec = {
        "securityContext": {"runAsNonRoot": True, "runAsUser": USER, "fsGroup": USER},
        "terminationGracePeriodSeconds": 1,
        "nodeSelector": {"kubernetes.io/hostname": node} if node else {},
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
    }
    make(cluster, "Pod", name, claim, spec)
    cluster.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")

    return f"{cluster.kubectl('get', 'pod', name, '-o=jsonpath={.status.podIP}')}:5000"


def make(cluster: Cluster, kind: str, name: str, of: str, spec: Any) -> None:
    metadata = {"name": name, "labels": {"of": of}}
    body = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(body))


def crane(cluster: Cluster, *arguments: str) -> str:
    program = Toolbox(say=to_nowhere).path("crane")

    return cluster.run([str(program), *arguments]).stdout.strip()


def told(cluster: Cluster, of: str, path: str) -> str:
    """A field of a claim."""
    return cluster.kubectl("get", "persistentvolumeclaim", of, f"-o=jsonpath={{{path}}}")


def is_bound(cluster: Cluster, name: str) -> bool:
    return told(cluster, name, ".status.phase") == "Bound"


def is_gone(cluster: Cluster, volume: str) -> bool:
    found = cluster.kubectl("get", "persistentvolume", volume, "--ignore-not-found", "-o=name")

    return not found and not folders(cluster, volume)


def folders(cluster: Cluster, volume: str) -> list[Path]:
    """The folders behind a volume: one, or none."""
    own = cluster.home.nodes.glob(f"*/volumes/{volume}")

    return [*own, *cluster.home.volumes.glob(volume)]


def remove(cluster: Cluster, name: str) -> None:
    cluster.kubectl("delete", "pods", f"-l=of={name}")
    cluster.kubectl("delete", "persistentvolumeclaim", name)


def test_a_local_claim_is_written_by_its_group_grows_and_leaves_nothing(
    cluster: Cluster, image: Path, name: str
) -> None:
    claim(cluster, name, "local", "ReadWriteOnce")
    address = a_registry(cluster, name, name)
    volume = told(cluster, name, ".spec.volumeName")
    (folder,) = folders(cluster, volume)

    crane(cluster, "push", "--insecure", str(image), f"{address}/kept:1")

    written = [path.stat() for path in folder.rglob("*")]
    assert {(found.st_uid, found.st_gid) for found in written} == {(USER, USER)}
    node = cluster.kubectl("get", "pod", name, "-o=jsonpath={.spec.nodeName}")
    assert folder.parent.parent.name == node

    larger = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    cluster.kubectl("patch", "persistentvolumeclaim", name, "-p", json.dumps(larger))

    assert eventually(lambda: told(cluster, name, ".status.capacity.storage") == "2Gi")
    size = cluster.kubectl("get", "persistentvolume", volume, "-o=jsonpath={.spec.capacity}")
    assert json.loads(size) == {"storage": "2Gi"}

    remove(cluster, name)

    assert eventually(partial(is_gone, cluster, volume))


def test_a_shared_claim_is_written_on_one_node_and_read_on_the_other(
    cluster: Cluster, image: Path, name: str
) -> None:
    claim(cluster, name, "shared", "ReadWriteMany")
    first, second = (
        a_registry(cluster, f"{name}-{node}", name, node=node) for node in ("node-1", "node-2")
    )
    volume = told(cluster, name, ".spec.volumeName")

    crane(cluster, "push", "--insecure", str(image), f"{first}/kept:1")

    pushed, found = (
        crane(cluster, "digest", "--insecure", f"{address}/kept:1") for address in (first, second)
    )
    assert found == pushed

    remove(cluster, name)

    assert eventually(partial(is_gone, cluster, volume))


def test_a_shared_claim_can_not_grow(cluster: Cluster, name: str) -> None:
    claim(cluster, name, "shared", "ReadWriteOnce")
    assert eventually(partial(is_bound, cluster, name))
    larger = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}

    cluster.kubectl("patch", "persistentvolumeclaim", name, "-p", json.dumps(larger), check=False)

    assert told(cluster, name, ".spec.resources.requests.storage") == "1Gi"


def test_a_claim_that_can_not_be_served_is_told_why_once(cluster: Cluster, name: str) -> None:
    claim(cluster, name, "shared", "ReadWriteOnce", volumeMode="Block")

    def reasons() -> list[str]:
        about = f"involvedObject.name={name},reason=ProvisioningFailed"
        events = cluster.kubectl("get", "events", f"--field-selector={about}", "-o=json")
        return [item["message"] for item in json.loads(events)["items"]]

    assert eventually(lambda: bool(reasons()))
    time.sleep(1.5)  # three rounds of the provisioner

    (reason,) = reasons()
    assert "volumeMode must be Filesystem" in reason


def test_a_provisioner_that_was_killed_goes_on_where_it_was(cluster: Cluster, name: str) -> None:
    cluster.kill(PROVISIONER)
    claim(cluster, name, "shared", "ReadWriteMany")

    cluster.start(PROVISIONER)

    assert eventually(partial(is_bound, cluster, name))
    assert cluster.components()[PROVISIONER] == "running"
