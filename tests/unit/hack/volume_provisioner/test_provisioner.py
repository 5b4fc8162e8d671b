"""Steps that were decided, taken: once, again, and when somebody refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hack.volume_provisioner.folders import Folders
from hack.volume_provisioner.provisioner import Provisioner
from tests.unit.hack.volume_provisioner.bodies import NAME, a_bound_claim, a_claim, a_volume
from tests.unit.hack.volume_provisioner.fake_api import FakeApi

NOW = datetime(2026, 11, 26, 12, 0, 0, 5, tzinfo=UTC)


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def provisioner(api: FakeApi, tmp_path: Path, said: list[str]) -> Provisioner:
    return a_provisioner(api, tmp_path, said)


def a_provisioner(api: FakeApi, tmp_path: Path, said: list[str]) -> Provisioner:
    for node in ("node-1", "node-2"):
        (tmp_path / "nodes" / node).mkdir(parents=True, exist_ok=True)

    folders = Folders(tmp_path / "nodes", tmp_path / "shared")

    return Provisioner(api, folders, now=lambda: NOW, say=said.append)


def test_a_claim_gets_a_folder_on_its_node_and_one_volume(
    api: FakeApi, tmp_path: Path, provisioner: Provisioner
) -> None:
    api.put(a_claim("local", node="node-2"))

    assert provisioner.work()
    assert provisioner.work()

    assert api.writes == ["POST persistentvolumes"]
    assert api.volumes[NAME]["spec"]["local"] == {"path": f"/run/node/volumes/{NAME}"}
    assert (tmp_path / "nodes" / "node-2" / "volumes" / NAME).is_dir()


def test_a_shared_claim_gets_a_folder_of_all_nodes_whoever_comes_first(
    api: FakeApi, tmp_path: Path, provisioner: Provisioner
) -> None:
    api.put(a_claim("shared", node="node-2"))

    assert provisioner.work()

    assert api.volumes[NAME]["spec"]["hostPath"]["path"] == str(tmp_path / "shared" / NAME)
    assert (tmp_path / "shared" / NAME).is_dir()


def test_a_refusal_is_one_event_also_after_a_restart(
    api: FakeApi, tmp_path: Path, provisioner: Provisioner, said: list[str]
) -> None:
    api.put(a_claim("shared", volumeMode="Block"))

    assert provisioner.work()
    assert provisioner.work()
    assert a_provisioner(api, tmp_path, said).work()

    (event,) = api.events.values()
    assert event["reason"] == "ProvisioningFailed"
    assert event["involvedObject"]["name"] == "images"
    assert event["source"] == {"component": "shared.registry-operator.dev"}
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-11-26T12:00:00Z"
    assert api.volumes == {}


def test_another_refusal_of_one_claim_is_told_too(api: FakeApi, provisioner: Provisioner) -> None:
    api.put(a_claim("shared", volumeMode="Block"))
    provisioner.work()
    api.put(a_claim("shared", dataSource={"kind": "VolumeSnapshot", "name": "a"}))

    provisioner.work()

    assert len(api.events) == 2


def test_a_claim_that_wants_more_grows_after_its_volume_and_then_rests(
    api: FakeApi, provisioner: Provisioner
) -> None:
    api.put(a_bound_claim(has="1Gi", wants="2Gi"))
    api.volumes[NAME] = a_volume(size="1Gi")

    assert provisioner.work()
    assert provisioner.work()

    assert api.writes == [
        f"PATCH persistentvolumes/{NAME}",
        "PATCH namespaces/team/persistentvolumeclaims/images/status",
    ]
    assert api.volumes[NAME]["spec"]["capacity"] == {"storage": "2Gi"}
    assert api.claims["images"]["status"]["capacity"] == {"storage": "2Gi"}


def test_a_volume_that_lost_its_claim_goes_with_its_folder(
    api: FakeApi, tmp_path: Path, provisioner: Provisioner
) -> None:
    api.put(a_claim("local"))
    provisioner.work()
    api.claims.clear()
    api.volumes[NAME]["status"] = {"phase": "Released"}

    assert provisioner.work()

    assert api.volumes == {}
    assert not list(tmp_path.rglob(NAME))


def test_a_step_that_is_refused_is_said_and_taken_later_and_keeps_no_other_from_being_taken(
    api: FakeApi, provisioner: Provisioner, said: list[str]
) -> None:
    api.put(a_claim("local"))
    api.volumes["pvc-old"] = a_volume(phase="Released") | {
        "metadata": a_volume()["metadata"] | {"name": "pvc-old"}
    }
    api.refuses = "POST"

    assert not provisioner.work()
    assert "Provision failed" in said[0]
    assert "403 forbidden" in said[0]
    assert api.volumes == {}

    api.refuses = ""

    assert provisioner.work()
    assert list(api.volumes) == [NAME]


def test_an_api_server_that_does_not_answer_ends_the_look(
    api: FakeApi, provisioner: Provisioner
) -> None:
    api.down = True

    with pytest.raises(OSError, match="refused"):
        provisioner.work()
