"""Command lines, configurations and rules: what each component is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hack.cluster import cgroup, controlplane, dns
from hack.cluster.audit import AuditLog
from hack.cluster.controlplane import MANIFESTS, Context
from hack.cluster.credentials import Credentials
from hack.cluster.home import Home
from hack.cluster.network import drop_rules
from hack.cluster.node_config import cni_config, kubelet_config, proxy_config
from hack.cluster.plan import Plan, Ports, Profile, Spec
from hack.cluster.tools import FAMILY_OF

PLAN = Plan(unique="ro-a-1", full=True, ports=Ports(host=10000))


def context(tmp_path: Path, spec: Spec) -> Context:
    plan = Plan(unique="ro-a-1", full=spec.profile is Profile.FULL, ports=Ports(host=10000))
    home = Home("a", clusters=tmp_path)

    return Context(
        spec=spec,
        plan=plan,
        home=home,
        credentials=Credentials(home, plan),
        binaries={tool: Path("/bin") / tool for tool in FAMILY_OF},
    )


def flags(tmp_path: Path, spec: Spec) -> dict[str, str]:
    arguments = controlplane.apiserver(context(tmp_path, spec)).arguments[1:]

    return dict(argument.removeprefix("--").split("=", 1) for argument in arguments)


def test_a_control_plane_alone_listens_on_loopback_only(tmp_path: Path) -> None:
    found = flags(tmp_path, Spec(name="a"))

    assert found["bind-address"] == found["advertise-address"] == "127.0.0.1"


def test_without_controllers_pods_need_no_service_account(tmp_path: Path) -> None:
    with_controllers = flags(tmp_path, Spec(name="a"))
    without = flags(tmp_path, Spec(name="a", controller_manager=False))

    assert "disable-admission-plugins" not in with_controllers
    assert without["disable-admission-plugins"] == "ServiceAccount"


def test_the_callers_flags_come_last_and_win(tmp_path: Path) -> None:
    spec = Spec(name="a", apiserver_args=("--secure-port=1",))

    assert flags(tmp_path, spec)["secure-port"] == "1"


def test_the_api_server_is_no_administrator_to_kubelets(tmp_path: Path) -> None:
    assert flags(tmp_path, Spec(name="a"))["kubelet-client-certificate"].endswith(
        "kubelet-client.crt"
    )


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        (Spec(name="a"), {"kube-controller-manager", "kube-scheduler"}),
        (Spec(name="a", scheduler=False, controller_manager=False), set()),
        (Spec(name="a", scheduler=False, kwok=True), {"kube-controller-manager", "kwok"}),
        (
            Spec(name="a", profile=Profile.FULL),
            {"kube-controller-manager", "kube-scheduler", "coredns"},
        ),
    ],
)
def test_only_what_was_asked_for_runs(tmp_path: Path, spec: Spec, names: set[str]) -> None:
    commands = controlplane.after_apiserver(context(tmp_path, spec))

    assert {command.name for command in commands} == names
    tools = controlplane.tools(spec, full=spec.profile is Profile.FULL)
    assert names | {"etcd", "kube-apiserver"} <= set(tools)


def test_no_two_components_share_a_kubeconfig(tmp_path: Path) -> None:
    spec = Spec(name="a", profile=Profile.FULL, kwok=True)
    commands = controlplane.after_apiserver(context(tmp_path, spec))
    used = [a for c in commands for a in c.arguments if a.startswith("--kubeconfig=")]

    assert len(used) == len(set(used)) == 3


def test_a_kubelet_refuses_the_unknown_and_accepts_the_old_cgroups_only_where_they_are() -> None:
    old, new = (kubelet_config(PLAN.node(1), "/c/node-1", cgroup_v1=v1) for v1 in (True, False))

    assert old["authentication"]["anonymous"] == {"enabled": False}
    assert old["authorization"] == {"mode": "Webhook"}
    assert old["failCgroupV1"] is False
    assert "failCgroupV1" not in new


def test_pods_get_addresses_of_their_nodes_range() -> None:
    bridge = cni_config(PLAN.node(7))["plugins"][0]

    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.244.7.0/24"}]]
    assert proxy_config(PLAN.node(7))["hostnameOverride"] == "node-7"


def test_dropping_a_port_drops_both_directions_of_both_protocols() -> None:
    rules = drop_rules("cut_s3", [8333])

    for rule in ("tcp dport", "tcp sport", "udp dport", "udp sport"):
        assert rules.count(f"{rule} 8333 drop") == 3  # input, output, forward
    assert rules.count("{") == rules.count("}")


def test_a_dns_answer_counts_only_with_a_record_and_without_error() -> None:
    query = dns.question("a.b")
    good = query[:2] + b"\x81\x80" + b"\0\1\0\1\0\0\0\0"

    assert query.endswith(b"\1a\1b\0\0\1\0\1")
    assert dns.is_answer(good)
    assert not dns.is_answer(good[:3] + b"\x83" + good[4:])  # NXDOMAIN
    assert not dns.is_answer(good[:6] + b"\0\0" + good[8:])  # nothing found
    assert not dns.is_answer(b"\0\0" + good[2:])  # an answer to somebody else
    assert not dns.is_answer(b"")


def test_a_cgroup_is_made_in_every_hierarchy_with_its_parents_cpus(tmp_path: Path) -> None:
    for controller in ("cpu", "cpuset", "unified"):
        (tmp_path / controller).mkdir()
    for folder in ("", "/c", "/c/node-1"):  # as the kernel would make these files
        (tmp_path / f"cpuset{folder}").mkdir(exist_ok=True)
        (tmp_path / f"cpuset{folder}/cpuset.cpus").write_text("0-1" if not folder else "")

    cgroup.create("/c/node-1", root=tmp_path)

    assert cgroup.is_v1(tmp_path)
    made = {f"{tmp_path}/{hierarchy}/c" for hierarchy in ("cpu", "cpuset", "unified")}
    assert set(cgroup.existing("c", root=tmp_path)) == made
    assert (tmp_path / "cpuset/c/node-1/cpuset.cpus").read_text() == "0-1"


def test_a_cgroup_is_removed_with_all_that_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    cgroup.create("/c/node-1", root=tmp_path)
    (tmp_path / "cpu/c/node-1/kubepods/pod").mkdir(parents=True)

    cgroup.remove("c", root=tmp_path)

    assert cgroup.existing("c", root=tmp_path) == []


def test_the_unified_hierarchy_is_one(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").touch()

    assert cgroup.hierarchies(tmp_path) == [tmp_path]
    assert not cgroup.is_v1(tmp_path)


def test_the_audit_log_tells_writes_and_refusals_after_a_mark(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.log")
    assert (log.mark(), log.writes()) == (0, [])
    line = (
        '{{"verb":"{}","requestURI":"/x","user":{{"username":"{}"}},"responseStatus":{{"code":{}}},'
        '"objectRef":{{"resource":"pods","subresource":"status","name":"p","namespace":"n"}}}}\n'
    )
    log.path.write_text(line.format("create", "jo", 201))

    mark = log.mark()
    with log.path.open("a") as handle:
        handle.write(line.format("patch", "jo", 200) + line.format("list", "al", 403) + '{"half')

    assert [r.verb for r in log.writes()] == ["create", "patch"]
    assert [(r.verb, r.resource) for r in log.writes(since=mark)] == [("patch", "pods/status")]
    assert [r.user for r in log.refused(since=mark)] == ["al"]
    assert log.writes(user="al") == []


def test_a_line_that_was_being_written_at_the_mark_came_before_it(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.log")
    line = '{{"verb":"{}","requestURI":"/x","user":{{}}}}\n'
    first, second = line.format("create"), line.format("patch")
    log.path.write_text(first[:20])

    mark = log.mark()
    assert list(log.requests(since=mark)) == []
    log.path.write_text(first + second)

    assert [r.verb for r in log.requests(since=mark)] == ["patch"]
    assert [r.verb for r in log.requests(since=len(first))] == ["patch"]


@pytest.mark.parametrize("name", ["rbac.yaml", "stages.yaml", "audit.yaml", "volumes.yaml"])
def test_manifests_are_yaml_with_kinds(name: str) -> None:
    documents = list(yaml.safe_load_all((MANIFESTS / name).read_text()))

    assert all(document["kind"] for document in documents)
