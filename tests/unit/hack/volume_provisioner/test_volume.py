"""The volume over a folder: whose it is, and where it can be had."""

from __future__ import annotations

import pytest

from hack.volume_provisioner.volume import LOCAL, PROVISIONED_BY, PROVISIONERS, SHARED, body
from tests.unit.hack.volume_provisioner.bodies import CLASSES, NAME, UID, a_claim, a_class


def test_the_classes_of_the_cluster_ask_for_both_provisioners_and_none_is_the_default() -> None:
    annotated = [one for one in CLASSES if "annotations" in one["metadata"]]

    assert {one["metadata"]["name"]: one["provisioner"] for one in CLASSES} == {
        "local": LOCAL,
        "shared": SHARED,
    }
    assert not annotated


@pytest.mark.parametrize("name", ["local", "shared"])
def test_a_volume_is_for_one_claim_as_it_asked(name: str) -> None:
    claim = a_claim(name, accessModes=["ReadWriteOncePod"])

    made = body(claim, a_class(name), "/folder")

    assert made["metadata"]["name"] == claim.volume_name == NAME
    assert made["metadata"]["annotations"][PROVISIONED_BY] in PROVISIONERS
    assert made["spec"]["claimRef"]["uid"] == UID
    assert (made["spec"]["claimRef"]["namespace"], made["spec"]["claimRef"]["name"]) == (
        "team",
        "images",
    )
    assert made["spec"]["capacity"] == {"storage": "1Gi"}
    assert made["spec"]["accessModes"] == ["ReadWriteOncePod"]
    assert made["spec"]["storageClassName"] == name
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Delete"


def test_a_local_volume_holds_its_pods_at_its_node() -> None:
    spec = body(a_claim("local", node="node-2"), a_class("local"), "/folder")["spec"]

    terms = spec["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert spec["local"] == {"path": "/folder"}
    assert terms == [
        {
            "matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-2"]}
            ]
        }
    ]


def test_a_shared_volume_is_to_be_had_anywhere_and_must_be_there() -> None:
    spec = body(a_claim("shared", node="node-2"), a_class("shared"), "/folder")["spec"]

    assert spec["hostPath"] == {"path": "/folder", "type": "Directory"}
    assert "nodeAffinity" not in spec


def test_a_class_that_retains_makes_volumes_that_stay() -> None:
    kept = a_class("shared") | {"reclaimPolicy": "Retain"}

    assert body(a_claim("shared"), kept, "/f")["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
