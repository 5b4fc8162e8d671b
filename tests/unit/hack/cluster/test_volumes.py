"""Volumes in the cluster: who the provisioner is, what it is told, and where it can't be."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hack.cluster.api import Api
from hack.cluster.controlplane import MANIFESTS, Context
from hack.cluster.credentials import Credentials
from hack.cluster.error import ClusterError
from hack.cluster.home import Home
from hack.cluster.pki import VOLUME_PROVISIONER
from hack.cluster.plan import Plan, Ports, Profile, Spec
from hack.cluster.volumes import Volumes
from hack.volume_provisioner.presence import Presence


def volumes(clusters: Path, *, seen: Path | None = None) -> Volumes:
    """Those of a cluster in `clusters`, which is told to be in `seen`."""
    plan = Plan(unique="ro-a-1", full=True, ports=Ports(host=10000))
    credentials = Credentials(Home("a", clusters=clusters), plan)
    context = Context(
        spec=Spec(name="a", profile=Profile.FULL, volumes=True),
        plan=plan,
        home=Home("a", clusters=seen or clusters),
        credentials=credentials,
        binaries={},
    )

    return Volumes(context, Api(credentials.outside, credentials.admin))


def test_the_provisioner_is_told_the_folders_of_the_nodes_and_of_all(tmp_path: Path) -> None:
    command = volumes(tmp_path).command()

    assert f"--nodes={tmp_path}/a/nodes" in command.arguments
    assert f"--shared={tmp_path}/a/volumes" in command.arguments


def test_the_provisioner_is_a_user_of_its_own_that_can_not_read_what_it_does_not_need(
    tmp_path: Path,
) -> None:
    documents = list(yaml.safe_load_all((MANIFESTS / "rbac.yaml").read_text()))
    bound = {
        document["roleRef"]["name"]
        for document in documents
        if {"name": VOLUME_PROVISIONER.name}.items() <= document.get("subjects", [{}])[0].items()
    }
    (role,) = (
        d for d in documents if d["kind"] == "ClusterRole" and d["metadata"]["name"] in bound
    )
    resources = {resource for rule in role["rules"] for resource in rule["resources"]}
    kubeconfig = next(
        a for a in volumes(tmp_path).command().arguments if a.startswith("--kubeconfig=")
    )

    assert "system-volume-provisioner" in kubeconfig
    assert resources == {
        *("persistentvolumeclaims", "persistentvolumeclaims/status", "persistentvolumes"),
        *("storageclasses", "events"),
    }


@pytest.mark.parametrize("hidden", ["/run/user/0", "/var/lib/me", "/var/log/me"])
def test_a_folder_that_nodes_do_not_see_is_told(tmp_path: Path, hidden: str) -> None:
    with pytest.raises(ClusterError, match="nodes do not see"):
        volumes(tmp_path, seen=Path(hidden)).command()


def test_volumes_are_ready_once_the_provisioner_is_present(tmp_path: Path) -> None:
    made = volumes(tmp_path)
    folder = tmp_path / "a" / "volumes"
    before = made.is_ready()
    folder.mkdir(parents=True)
    presence = Presence(folder)

    presence.show()

    assert not before
    assert made.is_ready()
    presence.end()
