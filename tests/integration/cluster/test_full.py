"""The full cluster.

Real nodes that run real pods, and what happens when they are cut off or lose power.

Needs Linux and root. One cluster serves all tests but the ones of starting and ending.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster, take_down
from hack.cluster.home import Home
from hack.cluster.network import NAMESPACES
from hack.cluster.plan import Profile
from hack.cluster.report import to_nowhere
from hack.cluster.teardown import leftovers
from hack.cluster.tools import Toolbox
from hack.images.archive import Entry, Image, write_archive

pytestmark = pytest.mark.e2e
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


def eventually(is_true: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.2)


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def cluster(image: Path) -> Iterator[Cluster]:
    name = f"t-{uuid.uuid4().hex[:8]}"
    try:
        made = Cluster.up(
            name, profile=Profile.FULL, nodes=2, s3=True, images=[image], say=to_nowhere
        )
        made.kubectl("apply", "-f", "-", stdin=REGISTRY)
        made.kubectl("rollout", "status", "deployment/web", "--timeout=90s")
        yield made
    finally:
        left = take_down(name)

    assert not left, left
    assert not list(Path("/sys/fs/cgroup").rglob(f"*{name}*"))
    assert not list(Home(name).root.parent.glob(f"*{name}*"))


def status(cluster: Cluster, url: str, node: str) -> str:
    curl = ["curl", "-s", "-m", "3", "-o", "/dev/null", "-w", "%{http_code}", url]

    return cluster.run(curl, node=node, check=False).stdout


def answers(cluster: Cluster, url: str, node: str) -> bool:
    return status(cluster, url, node) == "200"


def cluster_ip(cluster: Cluster) -> str:
    return cluster.kubectl("get", "service", "web", "-o=jsonpath={.spec.clusterIP}")


def test_both_nodes_are_ready_and_share_the_pods(cluster: Cluster) -> None:
    placed = cluster.kubectl("get", "pods", "-l=app=web", "-o=jsonpath={.items[*].spec.nodeName}")

    assert sorted(placed.split()) == cluster.nodes() == ["node-1", "node-2"]


@pytest.mark.parametrize("node", ["node-1", "node-2"])
def test_a_service_answers_on_each_node_by_address_and_by_name(cluster: Cluster, node: str) -> None:
    for host in (cluster_ip(cluster), "web", "web.default.svc.cluster.local"):
        eventually(partial(answers, cluster, f"http://{host}:5000/v2/", node))


def test_pods_answer_across_nodes(cluster: Cluster) -> None:
    pods = json.loads(cluster.kubectl("get", "pods", "-l=app=web", "-o=json"))["items"]

    for pod in pods:
        for node in cluster.nodes():
            assert status(cluster, f"http://{pod['status']['podIP']}:5000/v2/", node) == "200"


def test_kubectl_reads_logs_and_runs_commands_in_pods(cluster: Cluster) -> None:
    version = cluster.kubectl("exec", "deployment/web", "--", "/bin/registry", "--version")

    assert "v3.1.2" in version
    assert cluster.kubectl("logs", "deployment/web", "--tail=1")


def test_a_port_of_the_host_leads_to_a_service(cluster: Cluster) -> None:
    port = cluster.forward(cluster_ip(cluster), 5000)

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5) as answer:
        assert answer.status == 200
    assert cluster.forward(cluster_ip(cluster), 5000) == port


def test_a_kubelet_pulls_what_was_pushed_from_the_host(cluster: Cluster, image: Path) -> None:
    address = f"{cluster_ip(cluster)}:5000"
    cluster.kubectl("scale", "deployment/web", "--replicas=1")
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    cluster.trust_registry(address)
    crane = Toolbox(say=to_nowhere).path("crane")

    cluster.run([str(crane), "push", "--insecure", str(image), f"{address}/pulled:1"])
    cluster.kubectl("run", "pulled", f"--image={address}/pulled:1", "--image-pull-policy=Always")
    cluster.kubectl("wait", "--for=condition=Ready", "pod/pulled", "--timeout=60s")

    cluster.kubectl("scale", "deployment/web", "--replicas=2")
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")


def test_the_store_keeps_buckets_and_knows_no_other(cluster: Cluster) -> None:
    cluster.s3.make_bucket("images")
    cluster.s3.make_bucket("images")

    assert "<Name>images</Name>" in cluster.s3.request("GET", "/")[1]
    assert cluster.s3.request("GET", "/nobody-made-it")[0] == 404


def test_a_component_that_is_cut_off_answers_again_when_joined(cluster: Cluster) -> None:
    cluster.cut("kube-apiserver")
    cut = cluster.api.is_ready()

    cluster.join("kube-apiserver")

    assert not cut
    eventually(cluster.api.is_ready)


def test_a_node_that_is_cut_off_is_missed_and_found_again(cluster: Cluster) -> None:
    cluster.cut("node-2")
    eventually(lambda: not cluster.api.node_is_ready("node-2"))

    cluster.join("node-2")

    eventually(lambda: cluster.api.node_is_ready("node-2"))


def test_a_power_cut_ends_all_of_a_node_and_it_comes_back(cluster: Cluster) -> None:
    cluster.power_off("node-2")
    parts = {name: s for name, s in cluster.components().items() if name.startswith("node-2/")}
    eventually(lambda: not cluster.api.node_is_ready("node-2"))

    url = f"http://{cluster_ip(cluster)}:5000/v2/"
    eventually(lambda: {status(cluster, url, "node-1") for _ in range(5)} == {"200"})
    cluster.start("node-2")

    assert set(parts.values()) == {"dead"}
    assert cluster.api.node_is_ready("node-2")
    eventually(lambda: status(cluster, url, "node-2") == "200")


def test_a_node_can_be_added(cluster: Cluster) -> None:
    name = cluster.add_node()

    assert cluster.api.node_is_ready(name)
    url = f"http://{cluster_ip(cluster)}:5000/v2/"
    eventually(lambda: status(cluster, url, name) == "200")


def test_nothing_of_it_is_on_the_hosts_network(cluster: Cluster) -> None:
    routes = Path("/proc/net/route").read_text()
    links = [path.name for path in Path("/sys/class/net").iterdir()]

    assert "br0" not in links
    assert not [link for link in links if link.startswith("v-node")]
    assert "br0" not in routes


def test_a_start_that_is_killed_half_way_leaves_nothing_after_down() -> None:
    name = f"t-{uuid.uuid4().hex[:8]}"
    up = [sys.executable, "-m", "hack.cluster", "up", name, "--profile=full", "--nodes=1"]
    starting = subprocess.Popen(up, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    home = Home(name)
    eventually((home.run / "node-1" / "containerd.json").exists)
    starting.send_signal(signal.SIGKILL)
    starting.wait()
    began = leftovers(home)
    for record in home.run.rglob("*.json"):
        record.unlink()  # the worst case: nobody knows what was started

    down = subprocess.run(
        [sys.executable, "-m", "hack.cluster", "down", name],
        capture_output=True,
        text=True,
        check=False,
    )

    assert began.processes
    assert began.namespaces
    assert (down.returncode, leftovers(home)) == (0, type(began)())
    assert not list(NAMESPACES.glob(f"ro-{name}-*"))
