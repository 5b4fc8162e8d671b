"""The status of a template: told from the numbers, written when they change."""

from typing import Any

import pytest

from controllers.kinds import REGISTRY_TEMPLATE
from controllers.template.reporter import TemplateReporter
from controllers.template.tally import Tally
from registry_operator.kube.client import Client
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.change import Applied
from registry_operator.runtime.outcome import Done
from registry_operator.runtime.store import Store
from registry_operator.testing.builders import a_template, an_object
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.template.test_tally import a_user

pytestmark = pytest.mark.virtual

KEY = ObjectKey("", "base")


class Desk:
    """A reporter and the one template that it reports of."""

    def __init__(self, clock: VirtualClock) -> None:
        self.api = FakeApi([REGISTRY_TEMPLATE], clock=clock)
        self.store = Store(REGISTRY_TEMPLATE)
        self._writer = self.store.writer()
        self.tally = Tally()
        self.reporter = TemplateReporter(
            client=Client(self.api),
            templates=self.store,
            tally=self.tally,
            field_manager="stage/template-status",
            clock=clock,
        )
        self.api.put(REGISTRY_TEMPLATE, a_template(replicas=2))
        self.look()

    def look(self) -> None:
        body = self.api.get(REGISTRY_TEMPLATE, KEY)
        assert body is not None
        self._writer.upsert(an_object(body))

    def use(self, *users: Object) -> None:
        for user in users:
            self.tally.see(Applied(None, user))

    async def report(self) -> dict[str, Any]:
        assert await self.reporter.reconcile(KEY) == Done()
        body = self.api.get(REGISTRY_TEMPLATE, KEY)
        assert body is not None
        status: dict[str, Any] = body["status"]
        return status

    async def told(self) -> tuple[str, str, str]:
        status = await self.report()
        ready = status["conditions"][0]
        return ready["status"], ready["reason"], ready["message"]


@pytest.fixture
async def desk(clock: VirtualClock) -> Desk:
    return Desk(clock)


async def test_a_template_that_nobody_uses_is_ready(desk: Desk) -> None:
    assert await desk.told() == ("True", "Unused", "no Registry names it")


async def test_a_template_is_ready_when_all_have_it(desk: Desk) -> None:
    desk.use(a_user("a"), a_user("b"))

    assert await desk.told() == ("True", "UpToDate", "2 of 2 Registries have generation 1")
    status = await desk.report()
    assert (status["registries"], status["upToDate"]) == (2, 2)
    assert status["observedGeneration"] == 1
    assert [one["type"] for one in status["conditions"]] == ["Ready"]


async def test_while_some_are_behind_it_is_reconciling(desk: Desk) -> None:
    desk.use(a_user("a"), a_user("b", generation=None))

    assert await desk.told() == ("False", "Updating", "1 of 2 Registries have generation 1")
    status = await desk.report()
    assert [one["type"] for one in status["conditions"]] == ["Ready", "Reconciling"]


async def test_who_refuses_it_is_named(desk: Desk) -> None:
    desk.use(*(a_user(name, status="False", reason="TemplateInvalid") for name in "abcde"))

    _, reason, message = await desk.told()
    assert reason == "Refused"
    assert "refused by team-a/a, team-a/b, team-a/c and 2 more" in message


async def test_whose_change_failed_is_named_with_what_to_do_and_who_waits_is_counted(
    desk: Desk,
) -> None:
    desk.use(
        a_user("a"),
        *(a_user(name, status="False", reason="UpgradeFailed") for name in "bc"),
        *(a_user(name, status="False", reason="RolloutWaiting") for name in "defghijkl"),
        a_user("m", status="False", reason="CanaryRunning"),
    )
    status = await desk.report()
    assert [
        status[name] for name in ("registries", "upToDate", "updating", "waiting", "failed")
    ] == [*(13, 1, 1, 9, 2)]
    ready, summary = status["conditions"]
    assert (ready["reason"], summary["type"]) == ("Failed", "Reconciling")
    assert "9 wait for their turn; failed at team-a/b, team-a/c: see" in ready["message"]
    assert "correct this template, or override there" in ready["message"]

    desk.use(a_user("m", status="False", reason="RollingBack"))
    ready, summary = (await desk.report())["conditions"]
    assert summary["type"] == "Stalled"
    assert "which stops it at spec.rollout.maxUnavailable 25%" in ready["message"]


async def test_what_was_said_is_not_written_again(desk: Desk) -> None:
    desk.use(a_user())
    await desk.report()
    desk.look()
    before = len(desk.api.writes())
    await desk.report()

    assert len(desk.api.writes()) == before


async def test_a_template_that_is_gone_is_nothing_to_report(desk: Desk) -> None:
    desk.api.delete(REGISTRY_TEMPLATE, KEY)

    assert await desk.reporter.reconcile(ObjectKey("", "other")) == Done()
    assert await desk.reporter.reconcile(KEY) == Done()
