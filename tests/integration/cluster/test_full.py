"""The full cluster.

Real nodes that run real pods, and what happens when they are cut off or lose power.

Needs Linux and root. One cluster serves all tests but the one of a start that is killed.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
import uuid
from functools import partial
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster
from hack.cluster.home import Home
from hack.cluster.network import NAMESPACES
from hack.cluster.report import to_nowhere
from hack.cluster.teardown import leftovers
from hack.cluster.tools import Toolbox
from tests.integration.cluster.waiting import eventually

pytestmark = pytest.mark.e2e


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
        assert eventually(partial(answers, cluster, f"http://{host}:5000/v2/", node))


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
    pulled = cluster.kubectl(
        "get", "pod/pulled", "-o=jsonpath={.status.containerStatuses[0].image}"
    )

    assert pulled == f"{address}/pulled:1"
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
    assert eventually(cluster.api.is_ready)


def test_a_node_that_is_cut_off_is_missed_and_found_again(cluster: Cluster) -> None:
    cluster.cut("node-2")
    assert eventually(lambda: not cluster.api.node_is_ready("node-2"))

    cluster.join("node-2")

    assert eventually(lambda: cluster.api.node_is_ready("node-2"))


def test_a_power_cut_ends_all_of_a_node_and_it_comes_back(cluster: Cluster) -> None:
    cluster.power_off("node-2")
    parts = {name: s for name, s in cluster.components().items() if name.startswith("node-2/")}
    assert eventually(lambda: not cluster.api.node_is_ready("node-2"))

    url = f"http://{cluster_ip(cluster)}:5000/v2/"
    assert eventually(lambda: {status(cluster, url, "node-1") for _ in range(5)} == {"200"})
    cluster.start("node-2")

    assert set(parts.values()) == {"dead"}
    assert cluster.api.node_is_ready("node-2")
    assert eventually(lambda: status(cluster, url, "node-2") == "200")


def test_a_node_can_be_added(cluster: Cluster) -> None:
    name = cluster.add_node()

    assert cluster.api.node_is_ready(name)
    url = f"http://{cluster_ip(cluster)}:5000/v2/"
    assert eventually(lambda: status(cluster, url, name) == "200")


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
    assert eventually((home.run / "node-1" / "containerd.json").exists)
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
