"""Kubeconfig files: self-contained, private, as exactly the user that was asked for."""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster.credentials import Credentials
from hack.cluster.home import Home
from hack.cluster.kubeconfig import Endpoint, kubeconfig, unpacked, write_kubeconfig
from hack.cluster.pki import SCHEDULER, Pair
from hack.cluster.plan import Plan, Ports


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    plan = Plan(unique="ro-x-1", full=True, ports=Ports(host=12345))

    return Credentials(Home("x", clusters=tmp_path), plan)


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())

    return content


def server(content: dict[str, Any]) -> str:
    return str(content["clusters"][0]["cluster"]["server"])


def test_a_certificate_and_its_key_are_embedded(tmp_path: Path) -> None:
    for name in ("ca", "crt", "key"):
        (tmp_path / name).write_text(name)

    content: Any = kubeconfig(
        Endpoint("https://h:1", tmp_path / "ca"),
        cluster="c",
        user="jo",
        credentials=Pair(tmp_path / "crt", tmp_path / "key"),
    )

    assert content["users"][0] == {
        "name": "jo",
        "user": {
            "client-certificate-data": base64.b64encode(b"crt").decode(),
            "client-key-data": base64.b64encode(b"key").decode(),
        },
    }
    assert content["current-context"] == content["contexts"][0]["name"]


def test_a_token_stands_alone(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("ca")

    content: Any = kubeconfig(
        Endpoint("https://h:1", tmp_path / "ca"), cluster="c", user="sa", credentials="t"
    )

    assert content["users"][0]["user"] == {"token": "t"}


def test_the_file_is_yaml_that_only_its_owner_can_read(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "deep" / "k", {"kind": "Config"})

    assert load(path) == {"kind": "Config"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_with_a_certificate_is_unpacked_into_what_it_was_made_of(
    tmp_path: Path, credentials: Credentials
) -> None:
    endpoint, pair = unpacked(credentials.component(SCHEDULER), tmp_path)
    packed = credentials.pair(SCHEDULER)

    assert endpoint.server == credentials.inside.server
    assert endpoint.authority.read_bytes() == credentials.inside.authority.read_bytes()
    assert pair.certificate.read_bytes() == packed.certificate.read_bytes()
    assert pair.key.read_bytes() == packed.key.read_bytes()
    assert stat.S_IMODE(pair.key.stat().st_mode) == 0o600


def test_components_reach_the_api_server_inside_and_users_by_the_forwarded_port(
    credentials: Credentials,
) -> None:
    assert server(load(credentials.component(SCHEDULER))) == "https://10.89.0.1:6443"
    assert server(load(credentials.administrator())) == "https://127.0.0.1:12345"
    assert server(load(credentials.administrator(inside=True))) == "https://10.89.0.1:6443"


def test_users_that_differ_in_groups_only_have_files_of_their_own(credentials: Credentials) -> None:
    assert credentials.user("jo", ["a"]) != credentials.user("jo", ["b"])


def test_a_users_name_cannot_leave_the_folder(credentials: Credentials) -> None:
    path = credentials.user("../../etc/passwd", [])

    assert path.parent == credentials.administrator().parent


def test_each_nodes_proxy_has_a_key_of_its_own(credentials: Credentials) -> None:
    one, other = (credentials.component(SCHEDULER, name=name) for name in ("p-1", "p-2"))

    assert load(one)["users"] != load(other)["users"]
