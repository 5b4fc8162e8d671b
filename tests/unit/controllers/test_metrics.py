"""The figures of the whole operator: as many series for many Registries as for one."""

import pytest
from prometheus_client import CollectorRegistry

from registry_operator.testing.builders import NAMESPACE
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry_stage import RegistryStage

pytestmark = pytest.mark.virtual

NAMES = ("one-registry", "two-registry", "three-registry")


def series(registry: CollectorRegistry) -> set[tuple[str, tuple[str, ...]]]:
    return {
        (sample.name, tuple(sorted(sample.labels.values())))
        for family in registry.collect()
        for sample in family.samples
    }


async def test_the_number_of_series_does_not_grow_with_the_registries(clock: VirtualClock) -> None:
    stage = RegistryStage(clock)
    async with stage.running() as operator:
        stage.create(NAMES[0])
        await stage.settle()
        for_one = series(operator.metrics.registry)
        for name in NAMES[1:]:
            stage.create(name)
        await stage.settle()
        for_three = series(operator.metrics.registry)

    assert ("registry_operator_cached_objects", ("deployments.apps",)) in for_one
    assert for_three == for_one


async def test_no_label_tells_a_name_or_a_namespace(clock: VirtualClock) -> None:
    stage = RegistryStage(clock)
    async with stage.running() as operator:
        stage.create(NAMES[0])
        await stage.settle()
        words = {word for _, labels in series(operator.metrics.registry) for word in labels}

    assert "deployment" in words
    assert not [word for word in words if NAMES[0] in word or NAMESPACE in word]
