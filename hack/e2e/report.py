"""One JUnit report of a whole run: Chainsaw's reports of each phase, and our own verdicts.

In flow files and verdicts; out flows the file that the tiers count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET


@dataclass(frozen=True, slots=True)
class Verdict:
    """Something that is judged once for the whole run; `problem` is empty when it holds."""

    name: str
    problem: str = ""


def merge(reports: Sequence[Path], verdicts: Sequence[Verdict], *, out: Path) -> None:
    """Writes all test cases of `reports`, and `verdicts` as cases more, to `out`."""
    root = ET.Element("testsuites")
    for report in reports:
        if report.exists():
            parsed = ET.parse(report).getroot()
            root.extend([parsed] if parsed.tag == "testsuite" else list(parsed))

    suite = ET.SubElement(root, "testsuite", name="verdicts")
    for verdict in verdicts:
        case = ET.SubElement(suite, "testcase", name=verdict.name)
        if verdict.problem:
            ET.SubElement(case, "failure", message=verdict.problem)

    out.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(root).write(out, encoding="unicode", xml_declaration=True)
