"""What is known of an image's release, and what the Deployment remembers of it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from controllers.registry import releases
from controllers.registry.inputs import Children, RegistryInputs
from controllers.registry.releases import (
    ANNOTATION,
    NO_RECOLLECTION,
    Answer,
    Recollection,
    Recollections,
    annotation,
    answer_of,
)
from registry_operator.distribution.release import Release
from registry_operator.kube.object import Object
from registry_operator.testing.builders import a_deployment, a_registry, a_replica_set, an_object
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry.snapshots import a_snapshot, asked

LATEST, EDGE = "registry:latest", "registry:edge"
DIGEST = "registry@sha256:" + "a" * 64


def remembering(text: str, *, image: str = LATEST) -> Object:
    """A Deployment of an image with that in its annotation."""
    body = a_deployment(a_registry(), image=image)
    body["metadata"]["annotations"] = {ANNOTATION: text}
    return an_object(body)


def world(image: str = LATEST, **children: Any) -> RegistryInputs:
    return a_snapshot(a_registry(image=image), children=Children(**children))


@pytest.mark.parametrize("image", [LATEST, "registry", EDGE, DIGEST, "registry:99", "local/x:1"])
def test_tags_that_tell_nothing_have_the_image_asked(image: str) -> None:
    assert releases.tells_nothing(image)
    assert answer_of(world(image)) is None


@pytest.mark.parametrize("image", ["registry:3.1.2", "registry:3", f"registry:2.8@{DIGEST[9:]}"])
def test_others_are_taken_at_their_word(image: str) -> None:
    assert not releases.tells_nothing(image)
    answer = answer_of(world(image, version_probes=(asked(image, "v3.0.0"),)))
    assert answer is not None
    assert answer.release == releases.of_image(image, None)


def test_what_is_no_image_is_not_asked() -> None:
    assert not releases.tells_nothing("Registry:3")
    assert answer_of(world("Registry:3")) == Answer()


def test_the_answer_of_a_pod_counts_for_the_image_that_it_asked() -> None:
    found = answer_of(world(EDGE, version_probes=(asked(LATEST, "v3.1.1"), asked(EDGE, "2.8.3"))))

    assert found is not None
    assert found.release == Release(2, 8, 3)


def test_what_is_remembered_counts_before_what_a_pod_says() -> None:
    kept = remembering(json.dumps({LATEST: {"version": "v3.1.2"}}))
    found = answer_of(world(deployment=kept, version_probes=(asked(LATEST, "2.8.3"),)))

    assert found == Answer(version="v3.1.2")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", "3", '{"registry:latest": 3}', '{"registry:latest": {"more": "x"}}'],
)
def test_what_is_no_memory_of_ours_is_none(text: str) -> None:
    assert releases.read(text) == {}
    assert answer_of(world(deployment=remembering(text))) is None


@pytest.mark.virtual
async def test_what_a_deployment_remembered_is_known_for_a_while_when_it_is_gone(
    clock: VirtualClock,
) -> None:
    held, owner = Recollections(clock), an_object(a_registry())
    assert held.of(owner, remembering("{}")) == Recollection("{}")
    assert held.of(owner, None) == Recollection("{}", 30.0)
    assert held.of(an_object(a_registry(metadata={"uid": "another"})), None) == NO_RECOLLECTION

    await clock.sleep(20.0)
    assert held.of(owner, None).left == 10.0
    await clock.sleep(10.0)
    assert held.of(owner, None) == NO_RECOLLECTION

    held.of(owner, remembering("{}"))
    assert held.of(owner, None).fades
    held.forget(owner.key)
    assert held.of(owner, None) == NO_RECOLLECTION


def test_what_fades_is_not_remembered_where_all_is_held() -> None:
    told = Recollection(json.dumps({LATEST: {"version": "v3.1.2"}}), 10.0)
    fading = a_snapshot(a_registry(image=LATEST), recollection=told)
    paused = a_snapshot(a_registry(image=LATEST, paused=True), recollection=told)

    assert answer_of(fading) == Answer(version="v3.1.2")
    assert answer_of(paused) is None


def test_what_somebody_removed_from_it_is_not_remembered_otherwise(clock: VirtualClock) -> None:
    held, owner = Recollections(clock), an_object(a_registry())
    held.of(owner, remembering("{}"))
    held.of(owner, an_object(a_deployment(a_registry())))

    assert held.of(owner, None) == NO_RECOLLECTION


def test_nothing_is_remembered_where_tags_tell() -> None:
    assert annotation(world("registry:3.1.2", deployment=None)) is None
    assert annotation(world(LATEST)) is None


def test_a_failure_to_learn_is_remembered_with_its_reason() -> None:
    told = annotation(world(version_probes=(asked(LATEST),)))

    assert told is not None
    assert "exit code 1" in json.loads(told)[LATEST]["problem"]
    assert "no word" not in told


def test_images_are_remembered_as_long_as_pods_may_come_back_to_them() -> None:
    kept = remembering(
        json.dumps({LATEST: {"version": "v3.1.2"}, EDGE: {"version": "v3.1.1"}}), image=EDGE
    )
    both = world("registry:3.1.2", deployment=kept)
    before = a_replica_set(a_registry(), config="c")
    before["spec"]["template"]["spec"]["containers"] = [{"name": "registry", "image": LATEST}]

    assert json.loads(annotation(both) or "") == {EDGE: {"version": "v3.1.1"}}
    with_history = replace(both.children, replica_sets=(an_object(before),))
    assert sorted(json.loads(annotation(replace(both, children=with_history)) or "")) == [
        EDGE,
        LATEST,
    ]


def test_the_release_that_runs_is_known_from_the_same_memory() -> None:
    kept = remembering(json.dumps({LATEST: {"version": "2.8.2+ds1"}}))

    assert releases.of_image(LATEST, kept) == Release(2, 8, 2)
    assert releases.of_image(EDGE, kept) is None
    assert releases.of_image("registry:3.0.0", None) == Release(3, 0, 0)
