"""How fast fields are repaired that somebody else insists on."""

from registry_operator.runtime.contest import Contest


def test_the_first_repairs_are_free() -> None:
    contest = Contest()
    for _ in range(7):
        contest.repaired("child", now=0)

        assert contest.wait("child", now=0) == 0
    assert contest.wait("another", now=0) == 0


def test_further_repairs_wait_longer_and_longer_up_to_five_minutes() -> None:
    contest, now, waits = Contest(), 0.0, []
    for _ in range(19):
        contest.repaired("child", now=now)
        wait = contest.wait("child", now=now)
        waits.append(wait)
        now += wait

    assert waits == [0] * 7 + [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_waiting_counts_from_the_last_repair() -> None:
    contest = Contest()
    for _ in range(9):
        contest.repaired("child", now=10)

    assert contest.wait("child", now=10.5) == 1.5
    assert contest.wait("child", now=100) == 0


def test_a_quiet_time_forgives_and_forgets() -> None:
    contest = Contest()
    for _ in range(10):
        contest.repaired("child", now=0)
    contest.repaired("child", now=500)
    assert contest.wait("child", now=500) == 0

    contest.repaired("another", now=1000)
    assert len(contest) == 1
