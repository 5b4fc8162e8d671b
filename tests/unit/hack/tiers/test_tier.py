"""Counting what a tier tested, and never calling an untested tier a success."""

import sys
from pathlib import Path

import pytest

from hack.tiers.__main__ import table
from hack.tiers.coverage import shares
from hack.tiers.tier import Counts, Result, Step, Tier, judged, read_junit, run

_REPORT = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b"><failure>no</failure></testcase>
<testcase name="c"><error>no</error></testcase><testcase name="d"><skipped/></testcase>
</testsuite></testsuites>"""


def test_a_junit_report_is_counted_case_by_case(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(_REPORT)

    assert read_junit(report) == Counts(passed=1, failed=2, skipped=1)


def test_a_runner_that_fails_without_a_failed_test_is_one_failure() -> None:
    assert judged(Counts(passed=3), exit_code=2) == Counts(passed=3, failed=1)
    assert judged(Counts(passed=3, failed=1), exit_code=1) == Counts(passed=3, failed=1)


@pytest.mark.parametrize(("code", "expected"), [(0, Counts(passed=1)), (3, Counts(failed=1))])
def test_a_command_without_report_counts_as_one(code: int, expected: Counts) -> None:
    step = Step(about="exits", arguments=[sys.executable, "-c", f"raise SystemExit({code})"])

    assert run(Tier("lint", [step])).counts == expected


def test_a_tier_whose_report_was_never_written_is_no_success(tmp_path: Path) -> None:
    step = Step(about="nothing", arguments=[sys.executable, "-c", ""], report=tmp_path / "no.xml")

    assert not run(Tier("unit", [step])).ok


def test_the_last_line_sums_up() -> None:
    lines = table(
        [Result("unit", Counts(5, 0, 1), 1.0), Result("e2e", Counts(1, 2, 0), 2.0)], exit_code=1
    ).splitlines()

    assert lines[-2:] == ["exit code 1", "6 passed, 2 failed"]
    assert lines[-3].endswith("FAILED")


def test_coverage_is_judged_by_branches_of_each_gated_package() -> None:
    files = {
        "registry_operator/kube/a.py": {"summary": {"num_branches": 4, "covered_branches": 1}},
        "registry_operator/kube/b.py": {"summary": {"num_branches": 4, "covered_branches": 4}},
        "registry_operator/api/c.py": {"summary": {"num_branches": 9, "covered_branches": 0}},
    }

    assert shares({"files": files}) == {
        "registry_operator/runtime/": 100.0,
        "registry_operator/kube/": 62.5,
    }
