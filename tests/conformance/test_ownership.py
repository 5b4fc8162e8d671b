"""controllerutil's rules of ownership, and writing only what changed."""

import pytest

from registry_operator.kube.errors import NotFound
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcome import After, Blocked, Done
from registry_operator.runtime.ownership import controller_reference
from registry_operator.testing.virtual_loop import VirtualClock
from tests.conformance.origin import origin
from tests.example_operator import CONFIG_MAP, GREETING
from tests.unit.runtime.owned_stage import CHILD, MARKED, OWNER, OwnedStage, writes_children


@pytest.fixture
def stage(clock: VirtualClock) -> OwnedStage:
    return OwnedStage(clock)


@origin(145, "controllerutil_test :: SetControllerReference: sets it; no duplicates", "F3")
async def test_a_child_has_its_owner_as_controller_once_however_often_it_is_written(
    stage: OwnedStage,
) -> None:
    owner = stage.greet("ann")
    async with stage.running():
        stage.change_child(data={"text": "changed"})
        await stage.settle()

    expected = controller_reference(GREETING, Object.of(owner))
    assert stage.child["metadata"]["ownerReferences"] == [expected]
    assert expected["controller"]
    assert expected["blockOwnerDeletion"]
    assert stage.child["data"] == {"text": "Hello, ann!"}


@origin(145, "controllerutil_test :: SetControllerReference: another controller owns it", "F3")
@origin(145, "controllerutil_test :: SetControllerReference: cross-namespace", "F3")
async def test_an_object_that_another_controls_is_left_alone_and_told(stage: OwnedStage) -> None:
    body = {"metadata": {"namespace": "ns", "name": "other"}, "spec": {"names": []}}
    other = controller_reference(GREETING, Object.of(stage.api.put(GREETING, body)))
    stage.a_config_map(ownerReferences=[other], labels=MARKED)
    stage.greet("ann")
    async with stage.running() as operator:
        outcome = operator.outcomes.of(OWNER)["config-map"].outcome

    assert isinstance(outcome, (Blocked, After))
    assert "controlled by Greeting other" in outcome.message
    assert stage.child["data"] == {"text": "theirs"}


@origin(145, "controllerutil_test :: SetControllerReference: the version differs", "F3")
async def test_a_reference_of_another_version_of_our_kind_is_replaced_and_not_doubled(
    stage: OwnedStage,
) -> None:
    owner = stage.greet("ann")
    async with stage.running():
        await stage.settle()
    old = controller_reference(GREETING, Object.of(owner)) | {"apiVersion": "example.org/v1beta1"}
    stage.change_child(metadata={"ownerReferences": [old]})
    async with stage.running():
        await stage.settle()

    (reference,) = stage.child["metadata"]["ownerReferences"]
    assert reference["apiVersion"] == "example.org/v1"


@origin(145, "controllerutil_test :: CreateOrPatch: patches only what changed; status only", "A3")
async def test_a_child_is_made_once_and_written_again_only_when_something_of_ours_changed(
    stage: OwnedStage,
) -> None:
    stage.greet("ann")
    async with stage.running():
        assert len(stage.new_writes()) == 1
        stage.change_child(status={"seen": True})
        await stage.settle()
        assert stage.new_writes() == []
        stage.change_child(data={"text": "drifted"})
        await stage.settle()

        assert len(stage.new_writes()) == 1


@origin(145, "finalizer_test :: partial failures", "F1")
async def test_what_a_failure_left_undone_is_done_by_the_next_run_and_nothing_twice(
    stage: OwnedStage,
) -> None:
    stage.api.faults.plan(writes_children, NotFound(404, message="not now"), times=1)
    stage.greet("ann", "bob")
    async with stage.running() as operator:
        await stage.settle(60)

        assert operator.outcomes.of(OWNER)["config-map"].outcome == Done()
        assert sorted(stage.names()) == ["hi-ann", "hi-bob"]
        stage.new_writes()
        stage.api.delete(CONFIG_MAP, ObjectKey(CHILD.namespace, "hi-bob"))
        await stage.settle()
        (write,) = stage.new_writes()
        assert write.path.endswith("/hi-bob")
