"""Registries and their template, before a real API server: what reaches whom, and what is told."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, REGISTRY, REGISTRY_TEMPLATE
from hack.cluster.error import ClusterError
from hack.world import World

pytestmark = pytest.mark.integration

EMPTY_DIR: dict[str, Any] = {"emptyDir": {}}


@pytest.fixture
def template(world: World) -> Iterator[str]:
    """The name of a template of this test's own; templates have no namespace."""
    name = f"of-{world.namespace}"
    yield name
    world.delete(REGISTRY_TEMPLATE, name)


def make(world: World, template: str, **spec: Any) -> None:
    world.create(REGISTRY_TEMPLATE, {"metadata": {"name": template}, "spec": spec})


def image_of(world: World, name: str) -> str:
    deployment = world.get(DEPLOYMENT, name)
    assert deployment is not None
    image: str = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


def reason_of(world: World, name: str, type_: str = "Ready") -> tuple[str, str]:
    told = world.condition(name, type_)
    return told.get("status", ""), told.get("reason", "")


def status_of(world: World, template: str) -> dict[str, Any]:
    status: dict[str, Any] = (world.get(REGISTRY_TEMPLATE, template) or {}).get("status", {})
    return status


def test_a_change_of_a_template_reaches_all_who_leave_the_field_to_it(
    world: World, template: str
) -> None:
    make(world, template, storage=EMPTY_DIR, image="registry:3.0.0")
    world.create_registry("one", {}, template=template)
    world.create_registry("own", {"image": "registry:3.1.1"}, template=template)
    for name in ("one", "own"):
        world.until(partial(world.is_ready, name), about=f"{name} is ready", seconds=40)
    world.patch(REGISTRY_TEMPLATE, template, {"spec": {"image": "registry:3.1.2"}})
    world.until(
        lambda: (
            status_of(world, template).get("upToDate") == 2
            and status_of(world, template)["observedGeneration"] == 2
        ),
        about="both have it, once one pod has tried it",
        seconds=100,
    )

    assert image_of(world, "one") == "registry:3.1.2"
    assert image_of(world, "own") == "registry:3.1.1"
    assert (world.get(REGISTRY, "one") or {})["status"]["template"] == {
        "name": template,
        "generation": 2,
    }


def test_a_template_that_comes_late_and_goes_again_is_told_each_time(
    world: World, template: str
) -> None:
    world.create_registry("one", {}, template=template)
    world.until(
        lambda: reason_of(world, "one") == ("False", "TemplateNotFound"), about="it is missed"
    )
    assert world.get(DEPLOYMENT, "one") is None

    make(world, template, storage=EMPTY_DIR)
    world.until(lambda: world.is_ready("one"), about="one is ready", seconds=40)
    uid = (world.get(DEPLOYMENT, "one") or {})["metadata"]["uid"]
    world.delete(REGISTRY_TEMPLATE, template)
    world.until(
        lambda: reason_of(world, "one") == ("False", "TemplateNotFound"), about="it is missed again"
    )

    assert reason_of(world, "one", "Available") == ("True", "Serving")
    assert (world.get(DEPLOYMENT, "one") or {})["metadata"]["uid"] == uid


def test_a_wrong_template_leaves_what_runs_and_names_who_refuses_it(
    world: World, template: str
) -> None:
    make(world, template, storage=EMPTY_DIR)
    world.create_registry("one", {}, template=template)
    world.until(lambda: world.is_ready("one"), about="one is ready", seconds=40)
    before = (world.get(DEPLOYMENT, "one") or {})["metadata"]["generation"]
    world.patch(REGISTRY_TEMPLATE, template, {"spec": {"config": {"logg": {}}}})
    world.until(
        lambda: reason_of(world, "one", "TemplateApplied") == ("False", "KeyUnknown"),
        about="it is refused",
    )
    ready = world.until(
        lambda: [
            one
            for one in status_of(world, template).get("conditions", ())
            if one["reason"] == "Refused"
        ],
        about="the template says so",
    )

    assert f"{world.namespace}/one" in ready[0]["message"]
    assert (world.get(DEPLOYMENT, "one") or {})["metadata"]["generation"] == before


def test_a_template_that_no_registry_could_be_made_of_is_refused_at_once(
    world: World, template: str
) -> None:
    with pytest.raises(ClusterError, match="storage names more than one kind"):
        make(world, template, storage={**EMPTY_DIR, "s3": {"bucket": "b"}})
