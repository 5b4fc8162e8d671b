"""One report of a whole run."""

from pathlib import Path

from hack.e2e.report import Verdict, merge
from hack.tiers.tier import Counts, read_junit

_CHAINSAW = """<testsuites><testsuite name="a"><testcase name="registry-scale"/>
<testcase name="registry-drift"><failure message="no"/></testcase></testsuite></testsuites>"""


def test_stories_and_verdicts_are_counted_together(tmp_path: Path) -> None:
    (tmp_path / "together.xml").write_text(_CHAINSAW)
    out = tmp_path / "all.xml"

    merge(
        [tmp_path / "together.xml", tmp_path / "never-written.xml"],
        [Verdict("nothing forbidden"), Verdict("nothing unused", "get pods")],
        out=out,
    )

    assert read_junit(out) == Counts(passed=2, failed=2)
