"""What is told of a volume: bound or not, its size, and why it is not as asked for."""

from typing import Any

import pytest

from controllers.registry import storage_condition
from controllers.registry.inputs import Referent, RegistryInputs
from controllers.registry.pods import Trouble
from registry_operator.testing.builders import (
    CLAIM,
    NAMED_CLAIM,
    S3,
    a_registry,
    an_object,
)
from registry_operator.testing.claims import a_volume_claim
from tests.unit.controllers.registry.snapshots import a_snapshot
from tests.unit.controllers.registry.test_volume import EPHEMERAL, HOST_PATH

REFUSED = Trouble(
    "AdmissionDenied",
    "apply PersistentVolumeClaim: only dynamically provisioned pvc can be resized and the "
    "storageclass that provisions the pvc must support resize",
)


def on_claim(storage: Any = CLAIM, **fields: Any) -> RegistryInputs:
    registry = a_registry(storage=storage)
    claim = an_object(a_volume_claim(registry, **fields))
    return a_snapshot(registry, volume_claim=Referent(known=True, found=claim))


def told(
    inputs: RegistryInputs,
    *,
    written: Trouble | None = None,
    pods: Trouble | None = None,
    serves: bool = True,
) -> tuple[str, str, str]:
    found = storage_condition.told(inputs, written=written, pods=pods, serves=serves)
    return found.status, found.reason, found.message


def test_a_volume_that_pods_serve_from_is_named() -> None:
    assert told(on_claim()) == (
        "True",
        "StorageInUse",
        "pods serve from PersistentVolumeClaim images-data",
    )
    assert told(on_claim(), serves=False)[:2] == ("Unknown", "StorageConfigured")


def test_a_claim_without_volume_names_its_class() -> None:
    status, reason, message = told(on_claim(status={"phase": "Pending"}))

    assert (status, reason) == ("False", "VolumeNotBound")
    assert "whether StorageClass fast exists" in message


def test_a_claim_without_class_waits_for_a_default() -> None:
    inputs = on_claim(NAMED_CLAIM, status={"phase": "Pending"}, storageClassName=None)

    assert "whether a default StorageClass exists" in told(inputs)[2]


def test_an_expansion_under_way_is_told_and_no_trouble() -> None:
    inputs = on_claim(size="20Gi", status={"phase": "Bound", "capacity": {"storage": "10Gi"}})
    status, _, message = told(inputs)

    assert status == "True"
    assert message.endswith("images-data, which is being expanded to 20Gi")


def test_an_expansion_that_fails_says_what_its_provisioner_says() -> None:
    condition = {"type": "ControllerResizeError", "status": "True", "message": "pool is full"}
    capacity = {"storage": "10Gi"}
    inputs = on_claim(
        size="20Gi", status={"phase": "Bound", "capacity": capacity, "conditions": [condition]}
    )
    status, reason, message = told(inputs)

    assert (status, reason) == ("False", "VolumeExpansionFailed")
    assert "from 10Gi to 20Gi: pool is full" in message


def test_a_class_that_does_not_let_volumes_grow_is_named_with_the_way_out() -> None:
    status, reason, message = told(on_claim(), written=REFUSED)

    assert (status, reason) == ("False", "VolumeExpansionRefused")
    assert "StorageClass fast does not allow it: set the size back to 10Gi" in message


@pytest.mark.parametrize("reason", ["AdmissionDenied", "QuotaExceeded", "VolumeShrinkRefused"])
def test_what_was_refused_for_another_reason_is_told_as_it_is(reason: str) -> None:
    written = Trouble(reason, "why")

    assert told(on_claim(), written=written) == ("False", reason, "why")


def test_a_store_behind_the_volume_that_does_not_answer_is_told_by_the_storage() -> None:
    pods = Trouble("StorageUnreachable", "pod x: stale NFS file handle")

    assert told(on_claim(), pods=pods)[:2] == ("False", "StorageUnreachable")


@pytest.mark.parametrize("storage", [CLAIM, EPHEMERAL])
def test_a_volume_that_is_not_written_is_told_though_pods_serve_from_it(storage: Any) -> None:
    pods = Trouble("VolumeNotWritten", "pod x: pushes fail")
    inputs = on_claim() if storage is CLAIM else a_snapshot(a_registry(storage=storage))

    assert told(inputs, pods=pods) == ("False", "VolumeNotWritten", "pod x: pushes fail")


def test_what_is_lost_with_its_pod_is_told_so() -> None:
    inputs = a_snapshot(a_registry(storage=EPHEMERAL))

    assert told(inputs)[:2] == ("True", "EphemeralStorage")


def test_a_folder_of_the_node_is_where_pods_serve_from() -> None:
    inputs = a_snapshot(a_registry(storage=HOST_PATH), allows_host_path=True)

    assert told(inputs) == ("True", "StorageInUse", "pods serve from the folder of hostPath")


def test_the_status_names_the_claim_and_its_size() -> None:
    assert storage_condition.applied(on_claim()) == {
        "kind": "persistentVolumeClaimTemplate",
        "claimName": "images-data",
        "capacity": "10Gi",
    }


def test_the_status_says_nothing_of_storage_that_cannot_be_used() -> None:
    assert storage_condition.applied(a_snapshot(a_registry(storage=S3))) == {}
