"""The board: last outcomes by owner and reconciler, told when they change."""

from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcome import Blocked, Done
from registry_operator.runtime.outcomes import Outcomes, OutcomesStats, Recorded

KEY, OTHER = ObjectKey("ns", "a"), ObjectKey("ns", "b")


def test_only_a_change_is_told() -> None:
    board, told = Outcomes(), list[ObjectKey]()
    board.subscribe(told.append)
    for recorded in (
        Recorded(Done(), 1),
        Recorded(Done(), 1),
        Recorded(Done(), 2),
        Recorded(Blocked("X", "y"), 2),
    ):
        board.record(KEY, "service", recorded)

    assert told == [KEY] * 3
    assert board.of(KEY) == {"service": Recorded(Blocked("X", "y"), 2)}


def test_owners_are_apart_and_can_be_forgotten() -> None:
    board = Outcomes()
    for key, name in ((KEY, "service"), (KEY, "deployment"), (OTHER, "service")):
        board.record(key, name, Recorded(Done(), 1))
    assert board.stats() == OutcomesStats(owners=2, outcomes=3)

    board.forget(KEY)
    board.forget(KEY)

    assert board.of(KEY) == {}
    assert board.stats() == OutcomesStats(owners=1, outcomes=1)


def test_what_is_handed_out_is_a_copy() -> None:
    board = Outcomes()
    board.record(KEY, "service", Recorded(Done(), 1))
    before = board.of(KEY)
    board.record(KEY, "service", Recorded(Done(), 2))

    assert before == {"service": Recorded(Done(), 1)}
