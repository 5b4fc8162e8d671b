"""Many writes for one owner, told at once; and none of them lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from registry_operator.kube.object import Object
from registry_operator.runtime.notices import Notices
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.recorder_stage import Stage

pytestmark = pytest.mark.virtual


def an_owner(name: str = "images") -> Object:
    metadata = {"namespace": "team-a", "name": name, "uid": f"uid-of-{name}"}
    return Object.of({"apiVersion": "example.org/v1", "kind": "Registry", "metadata": metadata})


class Desk(Stage):
    """Notices that run before a recorder that runs."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.notices = Notices(self.recorder, clock=clock)

    def told(self) -> list[tuple[str, str, str]]:
        """Owner, reason and note of every Event, in the order of their names."""
        return [(e["regarding"]["name"], e["reason"], e["note"]) for e in self.events]


@pytest.fixture
async def desk(clock: VirtualClock) -> AsyncIterator[Desk]:
    desk = Desk(clock)
    async with desk.running():
        task = asyncio.create_task(desk.notices.run())
        yield desk
        task.cancel()


async def test_what_is_made_at_once_is_told_once_in_its_order(desk: Desk) -> None:
    for child in ("Secret b", "Service a", "Secret b", "Deployment a"):
        desk.notices.note(an_owner(), "Created", child)
        await desk.clock.sleep(4.9)
    assert desk.told() == []
    await desk.clock.sleep(0.2)

    assert desk.told() == [("images", "Created", "created Secret b, Service a, Deployment a")]
    assert len(desk.notices) == 0


async def test_owners_and_actions_are_told_apart(desk: Desk) -> None:
    desk.notices.note(an_owner("a"), "Created", "Service a")
    desk.notices.note(an_owner("b"), "Created", "Service b")
    desk.notices.note(an_owner("a"), "Deleted", "Secret a")
    await desk.clock.sleep(6)

    assert sorted(desk.told()) == [
        ("a", "Created", "created Service a"),
        ("a", "Deleted", "deleted Secret a"),
        ("b", "Created", "created Service b"),
    ]


async def test_who_is_busy_for_long_does_not_hold_up_others(desk: Desk) -> None:
    desk.notices.note(an_owner("a"), "Created", "Service a")
    for number in range(4):
        desk.notices.note(an_owner("b"), "Created", f"Secret {number}")
        await desk.clock.sleep(2)

    assert desk.told() == [("a", "Created", "created Service a")]


async def test_more_than_a_note_holds_is_told_in_parts(desk: Desk) -> None:
    for number in range(45):
        desk.notices.note(an_owner(), "Created", f"Secret {number}")
    await desk.clock.sleep(6)

    assert sorted(note.count(",") + 1 for _, _, note in desk.told()) == [5, 20, 20]


async def test_the_same_again_later_is_counted(desk: Desk) -> None:
    for _ in range(2):
        desk.notices.note(an_owner(), "Created", "Service a")
        await desk.clock.sleep(20)

    (event,) = desk.events
    assert event["series"]["count"] == 2


async def test_what_is_gathered_goes_out_with_the_last_of_the_recorder(desk: Desk) -> None:
    """Which is before the Lease is given back: afterwards nothing may be written any more."""
    desk.notices.note(an_owner(), "Created", "Service a")
    await desk.recorder.flush(1)

    assert desk.told() == [("images", "Created", "created Service a")]
    assert len(desk.notices) == 0
