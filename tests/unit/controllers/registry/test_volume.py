"""Which volume a Registry uses, who may write to it, and what stands against using it."""

from typing import Any

import pytest

from controllers.registry import volume
from controllers.registry.inputs import Referent
from controllers.registry.storage import StoragePlan, plan_storage
from registry_operator.api.storage import Storage
from registry_operator.distribution.drivers import FilesystemStorage, is_shared
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.testing.builders import (
    CLAIM,
    COSI,
    EMPTY_DIR,
    NAMED_CLAIM,
    S3,
    a_registry,
    an_object,
    deleting,
)
from registry_operator.testing.claims import a_volume_claim
from tests.unit.controllers.registry.snapshots import a_snapshot

Body = dict[str, Any]

EPHEMERAL = {"ephemeral": {"volumeClaimTemplate": {"spec": CLAIM["persistentVolumeClaimTemplate"]}}}
# core/v1 asks for access modes; a user need not.
EPHEMERAL_AS_TAKEN = {
    "ephemeral": {
        "volumeClaimTemplate": {
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                **CLAIM["persistentVolumeClaimTemplate"],
            }
        }
    }
}
HOST_PATH = {"hostPath": {"path": "/srv/images", "type": "Directory"}}
READS = {"persistentVolumeClaim": {"claimName": "theirs", "readOnly": True}}
OWNER = an_object(a_registry())


def stored(block: Any) -> Storage:
    return Storage.model_validate(block)


def planned(
    storage: Any, claim: Body | Referent | None = None, **fields: Any
) -> StoragePlan | Blocked | Stalled:
    """What is planned for a Registry whose claim is as told."""
    known = fields.pop("allows_host_path", False)
    state = (
        claim
        if isinstance(claim, Referent)
        else Referent(known=True, found=an_object(claim) if claim is not None else None)
    )
    registry = a_registry(storage=storage, **fields)
    return plan_storage(a_snapshot(registry, volume_claim=state, allows_host_path=known))


def refused(*told: Any, **fields: Any) -> Blocked | Stalled:
    plan = planned(*told, **fields)
    assert isinstance(plan, (Blocked, Stalled)), plan
    return plan


def a_claim(**fields: Any) -> Body:
    return a_volume_claim(a_registry(), **fields)


@pytest.mark.parametrize(
    ("block", "source"),
    [
        (EMPTY_DIR, {"emptyDir": {}}),
        (CLAIM, {"persistentVolumeClaim": {"claimName": "images-data"}}),
        (NAMED_CLAIM, {"persistentVolumeClaim": {"claimName": "theirs"}}),
        (READS, {"persistentVolumeClaim": {"claimName": "theirs", "readOnly": True}}),
        (EPHEMERAL, EPHEMERAL_AS_TAKEN),
        (HOST_PATH, HOST_PATH),
        (S3, None),
        (COSI, None),
        ({}, None),
    ],
)
def test_pods_mount_what_the_user_names(block: Any, source: Body | None) -> None:
    assert volume.source(OWNER, stored(block)) == source
    assert volume.is_volume(stored(block)) is (source is not None)


def test_no_storage_is_no_volume() -> None:
    assert volume.source(OWNER, None) is None
    assert not volume.is_volume(None)
    assert not volume.has_one_writer(None)


@pytest.mark.parametrize(
    ("block", "one"),
    [
        (CLAIM, True),
        (NAMED_CLAIM, True),
        (HOST_PATH, True),
        ({**CLAIM, "shareVolume": False}, True),
        ({**CLAIM, "shareVolume": True}, False),
        (READS, False),
        (EMPTY_DIR, False),
        (EPHEMERAL, False),
        (S3, False),
    ],
)
def test_a_volume_that_lasts_has_one_writer_unless_it_is_shared_or_read(
    block: Any, *, one: bool
) -> None:
    assert volume.has_one_writer(stored(block)) is one


@pytest.mark.parametrize("block", [CLAIM, NAMED_CLAIM])
def test_a_bound_claim_is_a_folder_of_one_pod(block: Any) -> None:
    plan = planned(block, a_claim())

    assert isinstance(plan, StoragePlan)
    assert (plan.kind, is_shared(plan.driver)) == (next(iter(block)), False)
    assert plan.driver == FilesystemStorage("/var/lib/registry")
    assert plan.claim == ("theirs" if block is NAMED_CLAIM else "images-data")


def test_pods_are_made_for_a_claim_that_waits_for_its_first_pod() -> None:
    assert isinstance(planned(CLAIM, a_claim(status={"phase": "Pending"})), StoragePlan)


def test_a_shared_volume_has_as_many_pods_as_are_wanted() -> None:
    shared = {**CLAIM, "shareVolume": True}
    plan = planned(shared, a_claim(accessModes=["ReadWriteOnce", "ReadWriteMany"]), replicas=3)

    assert isinstance(plan, StoragePlan)
    assert plan.driver == FilesystemStorage("/var/lib/registry", shared=True)


@pytest.mark.parametrize("mode", ["ReadWriteOnce", "ReadOnlyMany"])
def test_whoever_only_reads_needs_no_right_to_write_and_may_be_many(mode: str) -> None:
    plan = planned(READS, a_claim(accessModes=[mode]), replicas=3)

    assert isinstance(plan, StoragePlan)
    assert plan.driver == FilesystemStorage("/var/lib/registry", shared=True, read_only=True)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (CLAIM, ["one pod alone may write", "shareVolume: true", "ReadWriteMany"]),
        (NAMED_CLAIM, ["spec.storage.persistentVolumeClaim:", "shareVolume"]),
        (HOST_PATH, ["spec.storage.hostPath", "a bucket"]),
        (EPHEMERAL, ["each pod has its own spec.storage.ephemeral"]),
        (EMPTY_DIR, ["each pod has its own spec.storage.emptyDir"]),
    ],
)
def test_several_replicas_need_a_volume_that_they_share(block: Any, words: list[str]) -> None:
    told = refused(block, a_claim(), replicas=2, allows_host_path=True)

    assert isinstance(told, Stalled)
    assert told.reason == "ReplicasNeedSharedStorage"
    for word in ("spec.replicas is 2", "set spec.replicas to 1", *words):
        assert word in told.message


@pytest.mark.parametrize(
    ("claim", "reason", "words"),
    [
        (Referent(known=False), "VolumeClaimNotRead", "theirs is being read"),
        (Referent(known=False, problem="403: no"), "VolumeClaimUnreadable", "403: no"),
        (None, "VolumeClaimNotFound", "create it"),
        (deleting(a_claim()), "VolumeClaimTerminating", "copy them"),
        (a_claim(status={"phase": "Lost"}), "VolumeLost", "lost its volume pv-images-data"),
        (a_claim(volumeMode="Block"), "VolumeUnsuitable", "of volumeMode Filesystem"),
        (a_claim(accessModes=["ReadOnlyMany"]), "VolumeUnsuitable", "readOnly to true"),
    ],
)
def test_a_claim_that_does_not_serve_is_named_with_what_to_do(
    claim: Any, reason: str, words: str
) -> None:
    told = refused(NAMED_CLAIM, claim)

    assert told.reason == reason
    assert words in told.message


def test_a_claim_that_is_made_is_waited_for() -> None:
    told = refused(CLAIM, None)

    assert (told.reason, told.message) == (
        "VolumeNotBound",
        "PersistentVolumeClaim images-data is being created",
    )


def test_a_shared_volume_must_be_one_that_many_can_write_to() -> None:
    told = refused({**CLAIM, "shareVolume": True}, a_claim())

    assert isinstance(told, Stalled)
    assert told.reason == "VolumeUnsuitable"
    assert (
        "needs a ReadWriteMany volume, but PersistentVolumeClaim images-data is ReadWriteOnce"
        in (told.message)
    )


def test_a_folder_of_the_node_is_used_only_where_the_operator_allows_it() -> None:
    told = refused(HOST_PATH)
    assert isinstance(told, Stalled)
    assert told.reason == "HostPathNotAllowed"
    assert "--allow-host-path" in told.message

    plan = planned(HOST_PATH, allows_host_path=True)
    assert isinstance(plan, StoragePlan)
    assert (plan.kind, plan.claim) == ("hostPath", "")


def test_what_a_claim_says_of_its_size_is_read() -> None:
    claim = an_object(a_claim())
    assert volume.is_bound(claim)
    assert (volume.requested(claim), volume.capacity(claim)) == ("10Gi", "10Gi")

    fresh = an_object(a_claim(status={"phase": "Pending"}))
    assert not volume.is_bound(fresh)
    assert volume.capacity(fresh) is None


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({}, None),
        ({"conditions": [{"type": "Resizing", "status": "True"}]}, None),
        (
            {"conditions": [{"type": "NodeResizeError", "status": "True", "message": "no room"}]},
            "no room",
        ),
        ({"conditions": [{"type": "ControllerResizeError", "status": "False"}]}, None),
        (
            {"allocatedResourceStatuses": {"storage": "ControllerResizeInfeasible"}},
            "ControllerResizeInfeasible",
        ),
        ({"allocatedResourceStatuses": {"storage": "NodeResizePending"}}, None),
    ],
)
def test_an_expansion_that_fails_is_found(status: Body, told: str | None) -> None:
    assert volume.expansion_trouble(an_object(a_claim(status=status))) == told
