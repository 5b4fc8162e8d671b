"""COSI's three processes: who they are, what they are told, and what they are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from hack.cluster.api import Api
from hack.cluster.controlplane import MANIFESTS, Context
from hack.cluster.cosi import LEASES, PARTS, SIDECAR, Cosi
from hack.cluster.credentials import Credentials
from hack.cluster.error import ClusterError
from hack.cluster.home import Home
from hack.cluster.pki import COSI_CONTROLLER, COSI_SIDECAR
from hack.cluster.plan import Plan, Ports, Profile, Spec
from hack.cluster.process import Command
from hack.cluster.report import to_nowhere
from hack.cluster.s3 import S3
from hack.cluster.tools import FAMILY_OF, Toolbox
from hack.cosi_driver.provisioner import NAME

SPEC = Spec(name="a", profile=Profile.FULL, s3=True, cosi=True)


def cosi(clusters: Path) -> tuple[Cosi, S3]:
    plan = Plan(unique="ro-a-1", full=True, ports=Ports(host=10000))
    home = Home("a", clusters=clusters)
    credentials = Credentials(home, plan)
    binaries = {tool: Path("/bin") / tool for tool in FAMILY_OF}
    context = Context(spec=SPEC, plan=plan, home=home, credentials=credentials, binaries=binaries)
    store = S3(home.s3, plan.unique)
    api = Api(credentials.outside, credentials.admin)

    return Cosi(context, store, api, Toolbox(cache=clusters, say=to_nowhere)), store


def commands(clusters: Path) -> dict[str, Command]:
    return {command.name: command for command in cosi(clusters)[0].commands()}


def test_sidecar_and_driver_meet_at_one_socket(tmp_path: Path) -> None:
    told = commands(tmp_path)
    endpoint = told["cosi-driver"].environment["COSI_ENDPOINT"]

    assert tuple(told) == PARTS
    assert endpoint == f"unix://{tmp_path}/a/cosi.sock"
    assert f"--driver-addr={endpoint}" in told[SIDECAR].arguments


def test_the_stores_keys_are_in_no_argument_and_no_environment(tmp_path: Path) -> None:
    parts, store = cosi(tmp_path)

    told = repr(parts.commands())

    assert store.keys.secret not in told
    assert store.keys.access not in told
    assert json.loads(store.keys_file.read_text())["secret"] == store.keys.secret
    assert store.keys_file.stat().st_mode & 0o077 == 0


def test_controller_and_sidecar_are_users_of_their_own_with_roles(tmp_path: Path) -> None:
    used = {
        argument
        for command in commands(tmp_path).values()
        for argument in command.arguments
        if argument.startswith("--kubeconfig=")
    }
    bound = {
        subject["name"]
        for document in yaml.safe_load_all((MANIFESTS / "rbac.yaml").read_text())
        for subject in document.get("subjects", ())
    }

    assert len(used) == 2
    assert {COSI_CONTROLLER.name, COSI_SIDECAR.name} <= bound


def test_the_sidecars_lease_is_the_one_that_it_derives_from_the_drivers_name() -> None:
    assert LEASES[SIDECAR] == f"{NAME.replace('.', '-')}-cosi"


def test_a_folder_that_is_too_deep_for_a_socket_is_told(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)

    with pytest.raises(ClusterError, match="too long for a socket"):
        cosi(deep)[0].commands()


def test_a_driver_that_does_not_listen_is_not_ready(tmp_path: Path) -> None:
    assert not cosi(tmp_path)[0].is_ready("cosi-driver")
