"""Names, addresses and ports: what keeps clusters apart."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import replace
from pathlib import Path

import pytest

from hack.cluster.error import ClusterError
from hack.cluster.home import Home, names
from hack.cluster.plan import (
    POD_RANGE,
    SERVICE_ADDRESS,
    SERVICE_RANGE,
    Plan,
    Ports,
    Profile,
    Spec,
    choose_port,
    choose_ports,
    make_plan,
    unique_name,
)

FULL = Spec(name="a", profile=Profile.FULL, nodes=3, s3=True, apiserver_args=("--v=2",))


def free(_port: int) -> bool:
    return True


def full_plan() -> Plan:
    return Plan(unique="ro-a-123456", full=True, ports=Ports(host=10000))


@pytest.mark.parametrize("name", ["", "A", "1a", "a_b", "a-", "a" * 31, "a/b", "..", "a b"])
def test_names_that_would_not_fit_a_host_are_refused(name: str) -> None:
    with pytest.raises(ClusterError, match="cluster name"):
        Spec(name=name)


@pytest.mark.parametrize("nodes", [-1, 201])
def test_numbers_of_nodes_without_an_address_are_refused(nodes: int) -> None:
    with pytest.raises(ClusterError, match="nodes"):
        Spec(name="a", nodes=nodes)


def test_s3_needs_a_network_of_the_clusters_own() -> None:
    with pytest.raises(ClusterError, match="use the full profile"):
        Spec(name="a", s3=True)


def test_cosi_needs_a_store_to_make_buckets_in() -> None:
    with pytest.raises(ClusterError, match="up with s3"):
        Spec(name="a", profile=Profile.FULL, cosi=True)


def test_volumes_need_real_nodes() -> None:
    with pytest.raises(ClusterError, match="use the full profile"):
        Spec(name="a", volumes=True)


def test_a_cluster_grows_by_nodes_cosi_and_volumes_and_never_loses_them() -> None:
    with_more = replace(FULL, nodes=1).with_cosi().with_volumes()
    grown = FULL.with_cosi().with_volumes()

    assert FULL.grown_to(with_more) == with_more.grown_to(FULL) == grown
    assert FULL.grown_to(replace(FULL, audit=True)) == FULL


def test_a_spec_survives_its_file() -> None:
    assert Spec.from_json(json.loads(json.dumps(FULL.to_json()))) == FULL


def test_a_spec_that_was_kept_before_there_were_volumes_is_still_read() -> None:
    kept = json.loads(json.dumps(FULL.to_json()))
    del kept["volumes"]

    assert Spec.from_json(kept) == FULL


def test_a_home_gives_back_what_was_kept(tmp_path: Path) -> None:
    home = Home("a", clusters=tmp_path)
    assert not home.exists

    home.write(FULL, Ports(host=10001))

    assert (home.spec(), home.ports()) == (FULL, Ports(host=10001))
    assert names(tmp_path) == ["a"]


def test_nodes_have_addresses_of_their_own_within_the_ranges() -> None:
    nodes = [full_plan().node(number) for number in range(1, 201)]

    assert len({node.address for node in nodes}) == 200
    assert len({node.namespace for node in nodes}) == 200
    pods = ipaddress.IPv4Network(POD_RANGE)
    assert all(ipaddress.IPv4Network(node.pods).subnet_of(pods) for node in nodes)
    assert all(ipaddress.ip_address(node.address) for node in nodes)


def test_the_api_servers_service_has_the_first_address_of_its_range() -> None:
    assert ipaddress.ip_address(SERVICE_ADDRESS) == ipaddress.ip_network(SERVICE_RANGE)[1]


def test_clusters_of_one_name_in_two_homes_differ_on_the_host(tmp_path: Path) -> None:
    assert unique_name("a", tmp_path / "1" / "a") != unique_name("a", tmp_path / "2" / "a")


def test_a_control_plane_alone_uses_the_hosts_loopback(tmp_path: Path) -> None:
    ports = choose_ports(Spec(name="a"), set(), free)

    plan = make_plan(Spec(name="a"), tmp_path, ports)

    assert plan.namespace is None
    assert plan.server == plan.host_server == f"https://127.0.0.1:{ports.apiserver}"


def test_every_component_of_a_control_plane_has_a_free_port_of_its_own() -> None:
    taken = set(range(10_000, 29_000))

    ports = choose_ports(Spec(name="a"), taken, lambda port: port % 2 == 0)

    assert len(ports.on_host) == 6
    assert not ports.on_host & taken
    assert all(port % 2 == 0 for port in ports.on_host)


def test_a_full_cluster_takes_one_port_of_the_host() -> None:
    ports = choose_ports(FULL, set(), free)

    assert ports == Ports(host=ports.host)


def test_ports_are_below_those_of_outgoing_connections_and_the_same_again() -> None:
    assert choose_port("a", set(), free) == choose_port("a", set(), free)
    assert 10_000 <= choose_port("a", set(), free) < 30_000


def test_no_free_port_is_an_error() -> None:
    with pytest.raises(ClusterError, match="none is free"):
        choose_port("a", set(), lambda _port: False)
