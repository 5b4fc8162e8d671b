"""Control planes on loopback: up, broken, down, and two at once."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from hack.cluster.cluster import Cluster
from hack.cluster.error import ClusterError
from hack.cluster.home import names
from hack.cluster.report import to_nowhere

pytestmark = pytest.mark.integration


def a_name() -> str:
    return f"t-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = Cluster.up(a_name(), kwok=True, audit=True, say=to_nowhere)
    yield made
    left = made.down()
    assert not left, left


def test_it_works_when_up_returns(cluster: Cluster) -> None:
    created = cluster.kubectl("run", "early", "--image=local/none:1")

    assert "pod/early created" in created
    assert set(cluster.components().values()) == {"running"}


def test_up_again_is_the_same_cluster(cluster: Cluster) -> None:
    pid = cluster.pid("kube-apiserver")

    again = Cluster.up(cluster.name, kwok=True, audit=True, say=to_nowhere)

    assert again.pid("kube-apiserver") == pid


def test_up_with_other_options_is_refused(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match="exists with other options"):
        Cluster.up(cluster.name, kwok=False, say=to_nowhere)


def test_simulated_pods_become_ready_on_simulated_nodes(cluster: Cluster) -> None:
    nodes = cluster.simulate_nodes(3)
    cluster.kubectl("create", "deployment", "many", "--image=local/none:1", "--replicas=6")

    cluster.kubectl("rollout", "status", "deployment/many", "--timeout=60s")

    jsonpath = "-o=jsonpath={.items[*].spec.nodeName}"
    placed = cluster.kubectl("get", "pods", "-l=app=many", jsonpath).split()
    assert len(placed) == 6
    assert set(placed) <= set(nodes)


def test_a_simulated_pod_can_be_told_to_wait_for_ever(cluster: Cluster) -> None:
    cluster.simulate_nodes(1)
    annotation = "--annotations=local-cluster/waiting=ImagePullBackOff"
    cluster.kubectl("run", "stuck", "--image=local/none:1", annotation)

    reason = "{.status.containerStatuses[0].state.waiting.reason}"
    cluster.kubectl(
        "wait", f"--for=jsonpath={reason}=ImagePullBackOff", "pod/stuck", "--timeout=60s"
    )


def test_a_user_is_exactly_who_the_kubeconfig_says(cluster: Cluster) -> None:
    path = cluster.kubeconfig(user="jo", groups=["devs"])

    who = cluster.kubectl("--kubeconfig", str(path), "auth", "whoami", "-o=json")

    assert '"jo"' in who
    assert '"devs"' in who
    assert "system:masters" not in who


def test_a_service_account_has_no_rights_and_its_refusal_is_in_the_audit_log(
    cluster: Cluster,
) -> None:
    path = cluster.kubeconfig(service_account="default/default")
    user = "system:serviceaccount:default:default"
    mark = cluster.audit.mark()

    with pytest.raises(ClusterError, match="forbidden"):
        cluster.kubectl("--kubeconfig", str(path), "get", "secrets")

    refused = cluster.audit.refused(since=mark, user=user)
    assert [(r.verb, r.resource) for r in refused] == [("list", "secrets")]


def test_writes_are_in_the_audit_log(cluster: Cluster) -> None:
    mark = cluster.audit.mark()

    cluster.kubectl("create", "configmap", "written")

    writes = cluster.audit.writes(since=mark, user="kubernetes-admin")
    assert [(w.verb, w.resource, w.name) for w in writes] == [("create", "configmaps", "written")]


def test_a_killed_api_server_is_gone_until_it_is_started(cluster: Cluster) -> None:
    cluster.kill("kube-apiserver")
    gone = cluster.api.is_ready()

    cluster.start("kube-apiserver")

    assert not gone
    assert cluster.api.is_ready()


def test_a_paused_component_holds_its_connections(cluster: Cluster) -> None:
    cluster.pause("kube-apiserver")
    state = cluster.components()["kube-apiserver"]
    with socket.create_connection(("127.0.0.1", cluster.plan.ports.host), timeout=5) as client:
        client.settimeout(0.5)
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        with pytest.raises(TimeoutError):
            client.recv(1)

    cluster.resume("kube-apiserver")

    assert state == "paused"
    assert cluster.components()["kube-apiserver"] == "running"


@pytest.mark.parametrize("fault", ["cut", "join"])
def test_what_has_no_network_of_its_own_cannot_be_cut(cluster: Cluster, fault: str) -> None:
    with pytest.raises(ClusterError, match="pause it instead"):
        getattr(cluster, fault)("etcd")


def test_an_unknown_component_is_refused_with_the_known_ones(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match="etcd"):
        cluster.kill("etcdd")


def test_two_at_once_do_not_see_each_other_and_leave_nothing() -> None:
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(
            lambda name: Cluster.up(name, scheduler=False, say=to_nowhere), [a_name(), a_name()]
        )

    try:
        first.kubectl("create", "namespace", "only-here")

        assert "only-here" not in second.kubectl("get", "namespaces")
        assert not first.plan.ports.on_host & second.plan.ports.on_host
    finally:
        left = [str(cluster.down()) for cluster in (first, second)]

    assert left == ["0 processes, 0 mounts, 0 namespaces, 0 cgroups, 0 files"] * 2
    assert not {first.name, second.name} & set(names())


def test_a_name_can_be_used_again_at_once() -> None:
    name = a_name()
    for _ in range(2):
        cluster = Cluster.up(name, controller_manager=False, scheduler=False, say=to_nowhere)
        try:
            assert "created" in cluster.kubectl("create", "namespace", "fresh")
        finally:
            assert not cluster.down()


def test_what_does_not_exist_is_named_with_what_does(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match=cluster.name):
        Cluster.attach("never-made")
