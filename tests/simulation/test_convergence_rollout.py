"""The whole operator while a template changes: so many Registries at a time, and none beyond."""

from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, REGISTRY, REGISTRY_TEMPLATE, SERVICE
from registry_operator.distribution.check import Result, Verdict
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.recorder import EVENTS
from registry_operator.testing.builders import EMPTY_DIR, NAMESPACE
from registry_operator.testing.fake_api import Change
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry_stage import PASSED, RegistryStage

pytestmark = pytest.mark.virtual

OLD, NEW, BAD = "registry:3.0.0", "registry:3.1.2", "registry:3.1.1"
FAILED = Result(Verdict.FAILED, "pull", "GET /v2/: 500 instead of 200", 0.1)
HEALTHY = "registry-operator.dev/healthy-revision"
REVISION = "registry-operator.dev/revision"


class Fleet(RegistryStage):
    """Registries of the template `base`; which change, and the most that did at a time."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.changing: set[str] = set()
        self.most = 0
        self.began: list[str] = []
        self.api.subscribe(self._on_change)

    def _on_change(self, change: Change) -> None:
        """A canary is there, or the way back is another than what runs."""
        if change.resource != DEPLOYMENT:
            return
        name = str(change.new["metadata"]["name"]).removesuffix("-canary")
        if self._changes(name):
            if name not in self.changing:
                self.began.append(name)
            self.changing.add(name)
        else:
            self.changing.discard(name)
        self.most = max(self.most, len(self.changing))

    def _changes(self, name: str) -> bool:
        if self.api.get(DEPLOYMENT, ObjectKey(NAMESPACE, f"{name}-canary")) is not None:
            return True
        found = self.api.get(DEPLOYMENT, ObjectKey(NAMESPACE, name))
        told = found["metadata"].get("annotations", {}) if found is not None else {}
        return HEALTHY in told and told[HEALTHY] != told[REVISION]

    async def begin(self, size: int, bound: int | str, **spec: Any) -> None:
        self.create_template(
            storage=EMPTY_DIR, image=OLD, rollout={"maxUnavailable": bound}, **spec
        )
        for number in range(size):
            self.create(f"r{number}", template="base", storage=None)
        await self.settle(30)
        assert self.most == 0
        self.new_writes()

    def fails(self, *images: str) -> None:
        self.check = lambda pod: (
            FAILED if pod["spec"]["containers"][0]["image"] in images else PASSED
        )

    def images(self) -> dict[str, str]:
        return {
            body["metadata"]["name"]: body["spec"]["template"]["spec"]["containers"][0]["image"]
            for body in self.api.objects(DEPLOYMENT)
        }

    def reasons(self) -> dict[str, str]:
        names = sorted(body["metadata"]["name"] for body in self.api.objects(REGISTRY))
        return {name: self.told(name=name)[1] for name in names}

    def template(self) -> dict[str, Any]:
        status: dict[str, Any] = self.get(REGISTRY_TEMPLATE, "", "base")["status"]
        return status

    def template_told(self) -> tuple[str, str, str]:
        ready, *_ = self.template()["conditions"]
        return ready["status"], ready["reason"], ready["message"]


@pytest.fixture
def fleet(clock: VirtualClock) -> Fleet:
    return Fleet(clock)


@pytest.mark.parametrize(("bound", "most"), [(1, 1), (3, 3), ("25%", 3), ("100%", 12)])
async def test_no_more_change_at_a_time_than_the_template_says_and_all_follow(
    fleet: Fleet, bound: int | str, most: int
) -> None:
    async with fleet.running():
        await fleet.begin(12, bound)
        fleet.change_template(image=NEW)
        await fleet.settle(600)

        assert set(fleet.images().values()) == {NEW}
        assert fleet.most == most
        assert sorted(fleet.began) == sorted(fleet.images())
        assert fleet.template_told()[:2] == ("True", "UpToDate")
        told = [one["reason"] for one in fleet.api.objects(EVENTS)]
        assert "RolloutWaiting" not in told
        assert told.count("Upgraded") == 12
        fleet.new_writes()
        await fleet.settle(3600)
        assert fleet.new_writes() == []


async def test_who_waits_says_so_and_serves_and_goes_by_name(fleet: Fleet) -> None:
    async with fleet.running():
        await fleet.begin(4, 1)
        fleet.fails(OLD, NEW)
        fleet.change_template(image=NEW)
        await fleet.settle(10)
        assert fleet.reasons() == {
            "r0": "CanaryRunning",
            **dict.fromkeys(("r1", "r2", "r3"), "RolloutWaiting"),
        }
        assert fleet.status("r1")["upgrade"]["phase"] == "Waiting"
        assert fleet.told("TemplateApplied", "r1") == ("False", "RolloutWaiting")
        assert fleet.told("Available", "r1") == ("True", "Serving")
        assert "1 may change or have failed at a time" in fleet.message(name="r1")
        status = fleet.template()
        assert (status["updating"], status["waiting"], status["failed"]) == (1, 3, 0)

        fleet.fails()
        await fleet.settle(300)
        assert fleet.began == ["r0", "r1", "r2", "r3"]
        assert set(fleet.reasons().values()) == {"Ready"}


async def test_a_template_that_is_wrong_stops_and_all_serve_what_they_had(fleet: Fleet) -> None:
    async with fleet.running():
        await fleet.begin(6, 2)
        fleet.fails(BAD)
        fleet.change_template(image=BAD)
        await fleet.settle(600)

        assert set(fleet.images().values()) == {OLD}
        assert sorted(fleet.began) == ["r0", "r1"]
        assert fleet.reasons() == {
            **dict.fromkeys(("r0", "r1"), "UpgradeFailed"),
            **dict.fromkeys(("r2", "r3", "r4", "r5"), "RolloutWaiting"),
        }
        status, reason, message = fleet.template_told()
        assert (status, reason) == ("False", "Failed")
        assert "failed at team-a/r0, team-a/r1, which stops it" in message
        assert "4 wait for their turn" in message
        assert fleet.template()["conditions"][1]["type"] == "Stalled"
        fleet.new_writes()
        await fleet.settle(3600)
        assert fleet.new_writes() == []

    # Another process leaves it there too, and all follow what is right.
    async with fleet.running():
        await fleet.settle(600)
        assert fleet.new_writes() == []
        fleet.change_template(image=NEW)
        await fleet.settle(600)
        assert set(fleet.images().values()) == {NEW}
        assert fleet.most == 2
        assert fleet.template_told()[:2] == ("True", "UpToDate")


async def test_a_template_that_is_what_it_was_frees_all_at_once(fleet: Fleet) -> None:
    async with fleet.running():
        await fleet.begin(6, 2)
        fleet.fails(BAD)
        fleet.change_template(image=BAD)
        await fleet.settle(300)
        fleet.change_template(image=OLD)
        await fleet.settle(30)

        assert set(fleet.reasons().values()) == {"Ready"}
        assert sorted(fleet.began) == ["r0", "r1"]


async def test_who_overrides_what_does_not_work_makes_room_for_the_next(fleet: Fleet) -> None:
    async with fleet.running():
        await fleet.begin(3, 1)
        fleet.fails(BAD)
        fleet.change_template(image=BAD)
        await fleet.settle(60)
        fleet.change(lambda spec: spec.update(image=OLD), "r0")
        await fleet.settle(60)

        assert fleet.told(name="r0") == ("True", "Ready")
        assert fleet.reasons() == {"r0": "Ready", "r1": "UpgradeFailed", "r2": "RolloutWaiting"}


async def test_a_change_of_its_own_waits_for_nobody_and_counts_for_nobody(fleet: Fleet) -> None:
    async with fleet.running():
        await fleet.begin(3, 1)
        fleet.fails(BAD)
        fleet.change_template(image=BAD)
        await fleet.settle(60)
        assert fleet.reasons()["r2"] == "RolloutWaiting"
        fleet.change(lambda spec: spec.update(image=NEW), "r2")
        await fleet.settle(60)

        assert fleet.images()["r2"] == NEW
        assert fleet.told(name="r2") == ("True", "Ready")


async def test_a_failure_of_its_own_stops_no_fleet(fleet: Fleet) -> None:
    async with fleet.running():
        await fleet.begin(3, 1)
        fleet.fails(BAD)
        fleet.change(lambda spec: spec.update(image=BAD), "r0")
        await fleet.settle(60)
        assert fleet.told(name="r0") == ("False", "UpgradeFailed")
        fleet.change_template(image=NEW)
        await fleet.settle(120)

        assert fleet.images() == {"r0": OLD, "r1": NEW, "r2": NEW}


async def test_what_makes_no_other_pods_and_who_is_new_waits_for_nobody(fleet: Fleet) -> None:
    async with fleet.running():
        await fleet.begin(3, 1)
        fleet.fails(BAD)
        fleet.change_template(image=BAD)
        await fleet.settle(60)
        fleet.change_template(service={"port": 80})
        await fleet.settle(30)
        ports = {body["spec"]["ports"][0]["port"] for body in fleet.api.objects(SERVICE)}
        assert ports == {80}

        fleet.fails()
        fleet.create("new", template="base", storage=None)
        await fleet.settle(30)
        assert fleet.told(name="new") == ("True", "Ready")
        assert fleet.images()["new"] == BAD


@pytest.mark.parametrize("seconds", [0.3, 2, 7])
async def test_processes_that_end_at_any_moment_let_no_more_change(
    fleet: Fleet, seconds: float
) -> None:
    async with fleet.running():
        await fleet.begin(6, 2)
        fleet.change_template(image=NEW)
        await fleet.settle(seconds)
    for _ in range(3):
        async with fleet.running():
            await fleet.settle(seconds)
    async with fleet.running():
        await fleet.settle(300)

        assert set(fleet.images().values()) == {NEW}
        assert fleet.most <= 2


async def test_a_template_that_lets_more_change_is_followed_at_once(fleet: Fleet) -> None:
    async with fleet.running():
        await fleet.begin(6, 1)
        fleet.fails(OLD, NEW)
        fleet.change_template(image=NEW)
        await fleet.settle(10)
        assert fleet.most == 1
        fleet.change_template(rollout={"maxUnavailable": 4})
        await fleet.settle(10)

        assert fleet.most == 4
