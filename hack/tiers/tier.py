"""A tier of the proof: a few commands, how to count what they tested, and the result of a run.

In flow commands; out flow counts and seconds. A command that reports in JUnit's format is counted
test by test, any other as one. The exit code always counts: a runner that fails without a failed
test (a collection error, a crash) is one failure more.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

_NOTHING_COLLECTED = 5  # pytest's exit code
_CLEAN_UP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tests passed, failed, were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command of a tier; `report` is the JUnit file that it writes, when it writes one."""

    about: str
    arguments: Sequence[str]
    report: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tier:
    """A named list of steps."""

    name: str
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a tier, and how long it took."""

    name: str
    counts: Counts
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether something was tested and nothing failed."""
        return self.counts.failed == 0 and self.counts.passed > 0


def run(tier: Tier) -> Result:
    """Runs all steps of a tier, each to its end, with their output shown as it comes."""
    started = time.monotonic()
    counts = Counts()
    for step in tier.steps:
        print(f"\n── {tier.name}: {step.about}", flush=True)
        counts += _run(step)

    return Result(tier.name, counts, time.monotonic() - started)


def _run(step: Step) -> Counts:
    if step.report is not None:
        step.report.unlink(missing_ok=True)

    code = _finish(subprocess.Popen(step.arguments, env={**os.environ, **step.environment}))
    if step.report is None:
        return Counts(passed=1) if code == 0 else Counts(failed=1)

    return judged(read_junit(step.report), exit_code=code)


def _finish(process: subprocess.Popen[bytes]) -> int:
    """The exit code; a run that is interrupted lets the command clean up behind itself first."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_CLEAN_UP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        raise


def judged(counted: Counts, *, exit_code: int) -> Counts:
    """The counts, with one failure more where the runner failed and no test of it did."""
    if exit_code in {0, _NOTHING_COLLECTED} or counted.failed:
        return counted

    return counted + Counts(failed=1)


def read_junit(report: Path) -> Counts:
    """The counts in a JUnit report; all 0 when it was never written."""
    if not report.exists():
        return Counts()

    passed = failed = skipped = 0
    for case in ET.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1

    return Counts(passed, failed, skipped)
