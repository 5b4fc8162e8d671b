"""Volumes as users write them, and as they reach the pods and the claim."""

from registry_operator.api.volumes import Ephemeral, VolumeClaim

WRITTEN = {
    "accessModes": ["ReadWriteMany"],
    "resources": {"requests": {"storage": "10Gi"}, "limits": {"storage": "20Gi"}},
    "storageClassName": "fast",
    "volumeMode": "Filesystem",
    "selector": {"matchLabels": {"disk": "ssd"}},
    "dataSource": {
        "apiGroup": "snapshot.storage.k8s.io",
        "kind": "VolumeSnapshot",
        "name": "yesterday",
    },
}


def test_a_claim_is_passed_on_as_it_was_written() -> None:
    assert VolumeClaim.model_validate(WRITTEN).wire() == WRITTEN


def test_a_class_may_be_none_on_purpose() -> None:
    written = {"resources": {"requests": {"storage": 1}}, "storageClassName": ""}

    assert VolumeClaim.model_validate(written).wire() == written


def test_metadata_of_an_ephemeral_claim_is_passed_on() -> None:
    template = {"metadata": {"labels": {"team": "a"}}, "spec": WRITTEN}

    assert Ephemeral.model_validate({"volumeClaimTemplate": template}).wire() == {
        "volumeClaimTemplate": template
    }
