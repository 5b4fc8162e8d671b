"""The claim of a Registry: asked for as the user wrote it, guarded, grown, never shrunk."""

from typing import Any

import pytest

from controllers.registry.finalizer import FINALIZER
from controllers.registry.inputs import Referent, RegistryInputs
from controllers.registry.volume_claim import KIND, SPECIFIED, desired
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.testing.builders import (
    CLAIM,
    EMPTY_DIR,
    NAMED_CLAIM,
    S3,
    Body,
    a_registry,
    an_object,
)
from registry_operator.testing.claims import a_volume_claim
from tests.unit.controllers.registry.snapshots import a_snapshot, body_of


def wanting(
    size: str = "10Gi", *, has: str | None = None, status: Any = None, **fields: Any
) -> RegistryInputs:
    """A Registry that wants a volume of a size; `has` is the size of the claim that exists."""
    template = {**CLAIM["persistentVolumeClaimTemplate"], **fields}
    template["resources"] = {"requests": {"storage": size}}
    registry = a_registry(storage={"persistentVolumeClaimTemplate": template})
    claim = None
    if has is not None:
        claim = an_object(a_volume_claim(registry, size=has, status=status))
    return a_snapshot(registry, volume_claim=Referent(known=True, found=claim))


def test_it_holds_data_and_outlives_its_owner() -> None:
    assert KIND.outlives_owner
    assert KIND.may_prune is None


@pytest.mark.parametrize("storage", [None, EMPTY_DIR, S3, NAMED_CLAIM])
def test_none_is_made_where_none_is_asked_for(storage: Any) -> None:
    assert desired(a_snapshot(a_registry(storage=storage))) == ()


def test_it_is_asked_for_as_it_was_written() -> None:
    body = body_of(desired(wanting()))

    assert body["metadata"] == {
        "namespace": "team-a",
        "name": "images-data",
        "annotations": {SPECIFIED: "accessModes,storageClassName"},
    }
    assert body["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "10Gi"}},
    }


def test_access_modes_of_the_user_count() -> None:
    spec = body_of(desired(wanting(accessModes=["ReadWriteMany"])))["spec"]

    assert spec["accessModes"] == ["ReadWriteMany"]


@pytest.mark.parametrize(("size", "has"), [("20Gi", "10Gi"), ("10Gi", "10Gi"), ("10240Mi", "10Gi")])
def test_it_grows(size: str, has: str) -> None:
    spec = body_of(desired(wanting(size, has=has)))["spec"]

    assert spec["resources"]["requests"]["storage"] == size


def test_it_never_shrinks_and_the_size_that_it_has_is_told() -> None:
    told = desired(wanting("5Gi", has="10Gi"))

    assert isinstance(told, Stalled)
    assert told.reason == "VolumeShrinkRefused"
    assert "is 5Gi, but PersistentVolumeClaim images-data has 10Gi" in told.message
    assert "set it to 10Gi" in told.message


def test_it_grows_once_it_has_its_volume() -> None:
    told = desired(wanting("20Gi", has="10Gi", status={"phase": "Pending"}))

    assert isinstance(told, Blocked)
    assert told.reason == "VolumeNotBound"
    assert "grows to 20Gi once it has its volume" in told.message


def test_an_expansion_that_failed_is_taken_back_to_more_than_there_is() -> None:
    failed = {"phase": "Bound", "capacity": {"storage": "10Gi"}}
    spec = body_of(desired(wanting("50Gi", has="900Gi", status=failed)))["spec"]
    assert spec["resources"]["requests"]["storage"] == "50Gi"

    told = desired(wanting("10Gi", has="900Gi", status=failed))
    assert isinstance(told, Stalled)
    assert told.reason == "VolumeShrinkRefused"


LASTING = {
    "accessModes": ["ReadWriteMany"],
    "storageClassName": "fast",
    "volumeName": "pv-1",
    "selector": {"matchLabels": {"tier": "fast"}},
    "dataSource": {"kind": "PersistentVolumeClaim", "name": "old"},
    "volumeAttributesClassName": "gold",
}


def met_by(claim: Body, **template: Any) -> Body:
    """What is desired of a claim that exists, where the specification says `template` of it."""
    wanted = {"resources": {"requests": {"storage": "10Gi"}}, **template}
    registry = a_registry(storage={"persistentVolumeClaimTemplate": wanted})
    state = Referent(known=True, found=an_object(claim))
    return body_of(desired(a_snapshot(registry, volume_claim=state)))


def as_applied(**template: Any) -> Body:
    """The claim as it is made by `template`, and as the cluster completes it."""
    wanted = {"resources": {"requests": {"storage": "10Gi"}}, **template}
    registry = a_registry(storage={"persistentVolumeClaimTemplate": wanted})
    made = body_of(desired(a_snapshot(registry)))
    claim = a_volume_claim(registry, **made["spec"])
    claim["metadata"]["annotations"] = made["metadata"]["annotations"]
    return claim


@pytest.mark.parametrize("field", LASTING)
def test_a_field_that_is_not_said_any_more_stays_as_the_claim_has_it(field: str) -> None:
    claim = as_applied(**LASTING)
    left = {name: value for name, value in LASTING.items() if name != field}

    assert met_by(claim, **left) == met_by(claim, **LASTING)
    assert met_by(claim, **left)["spec"][field] == LASTING[field]


def test_what_is_left_out_stays_for_good() -> None:
    claim = as_applied(**LASTING)
    for _look in range(3):
        body = met_by(claim)
        claim["spec"] |= body["spec"]
        claim["metadata"]["annotations"] = body["metadata"]["annotations"]

        assert body["spec"].items() >= LASTING.items()


def test_what_the_cluster_fills_in_is_not_said_by_us_and_so_never_written() -> None:
    claim = as_applied()
    assert {"storageClassName", "volumeName"} <= claim["spec"].keys()

    body = met_by(claim)
    assert body["spec"].keys() == {"accessModes", "resources"}
    assert body["metadata"]["annotations"] == {SPECIFIED: "accessModes"}


def test_a_claim_that_does_not_tell_what_was_said_of_it_is_taken_as_it_is_and_tells_then() -> None:
    claim = as_applied(storageClassName="fast")
    del claim["metadata"]["annotations"]
    first = met_by(claim)
    assert (
        first["spec"].items()
        >= {"storageClassName": "fast", "volumeName": "pv-images-data"}.items()
    )

    claim["metadata"]["annotations"] = first["metadata"]["annotations"]
    assert met_by(claim) == first


def test_limits_that_are_not_said_any_more_stay() -> None:
    claim = as_applied()
    claim["spec"]["resources"]["limits"] = {"storage": "20Gi"}

    assert met_by(claim)["spec"]["resources"] == {
        "requests": {"storage": "10Gi"},
        "limits": {"storage": "20Gi"},
    }


def test_another_class_is_not_written() -> None:
    told = desired(wanting(has="10Gi", storageClassName="slow"))

    assert isinstance(told, Stalled)
    assert told.reason == "MigrationRequired"


def test_it_is_claimed_when_its_end_is_guarded() -> None:
    registry = a_registry(storage=CLAIM, deletionPolicy="Delete")
    told = desired(a_snapshot(registry))
    assert isinstance(told, Blocked)
    assert told.reason == "WaitingForFinalizer"

    registry["metadata"]["finalizers"] = [FINALIZER]
    assert body_of(desired(a_snapshot(registry)))["metadata"]["name"] == "images-data"
