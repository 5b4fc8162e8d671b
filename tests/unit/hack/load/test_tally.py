"""What is counted: each request by its operation, its kind of failure and the second of its time."""

from hack.load.failure import Kind, RequestError
from hack.load.tally import Second, Tally


def test_a_second_tells_how_those_requests_fared_that_were_due_in_it() -> None:
    tally = Tally(100.0)
    tally.went_well("get blob", due=100.2, ended=100.3)
    tally.failed("get blob", RequestError(Kind.TIMEOUT, "no answer"), due=101.5, ended=111.5)
    tally.went_well("get blob", due=103.0, ended=103.5)

    report = tally.report(103.9)

    quiet = Second(requests=0, failed=0, slowest=0.0)
    assert [one.requests for one in report.timeline] == [1, 1, 0, 1]
    assert [one.failed for one in report.timeline] == [0, 1, 0, 0]
    assert report.timeline[2] == quiet
    assert report.timeline[3].slowest == 0.5


def test_a_report_tells_how_long_requests_failed_after_a_moment() -> None:
    tally = Tally(100.0)
    for due in (103.0, 106.5, 104.0):
        tally.failed("get blob", RequestError(Kind.RESET, "closed"), due=due, ended=due + 1)

    report = tally.report(120.0)

    assert report.last_failure == 6.5
    assert report.none_failed_after(2.0) == 4.5
    assert report.none_failed_after(8.0) == 0.0


def test_the_rate_is_that_of_the_time_in_which_requests_were_due() -> None:
    tally = Tally(0.0)
    for number in range(100):
        tally.went_well("get blob", due=number / 25, ended=20.0)

    assert tally.report(40.0).rate == 25.0
    assert Tally(0.0).report(40.0).rate == 0.0


def test_failures_are_counted_all_and_remembered_in_part() -> None:
    tally = Tally(0.0)
    for number in range(600):
        error = RequestError(Kind.STATUS if number % 2 else Kind.REFUSED, "words")
        tally.failed("put blob", error, due=number / 100, ended=number / 100)

    report = tally.report(6.0)

    assert report.failed == report.requests == 600
    assert report.operations["put blob"].failed == {Kind.STATUS: 300, Kind.REFUSED: 300}
    assert len(report.failures) == 500
    assert str(report.failures[1]) == "0.01 s, after 0.00 s: put blob: status: words"


def test_a_report_of_nothing_is_one_too() -> None:
    report = Tally(0.0).report(0.0)

    assert (report.requests, report.failed, report.latency.most) == (0, 0, 0.0)
    assert report.none_failed_after(0.0) == 0.0
