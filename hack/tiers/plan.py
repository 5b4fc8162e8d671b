"""The tiers by name, in the order in which they run: the cheap ones first."""

from __future__ import annotations

import sys
from pathlib import Path

from hack.tiers.tier import Step, Tier

_PYTHON = sys.executable
_SCRIPTS = Path(sys.executable).parent
_WORKERS = "2"
_UNIT = ("tests/unit", "tests/conformance", "tests/behaviour", "-m", "not integration")


def tiers(work: Path) -> dict[str, Tier]:
    """All tiers; reports and coverage data go to the folder `work`."""
    listed = [
        Tier("lint", _lint()),
        Tier("types", [_command("mypy", "mypy")]),
        Tier("unit", [_pytest("unit", *_UNIT, work=work, parallel=True)]),
        Tier("simulation", _simulation(work)),
        Tier(
            "integration",
            [_pytest("integration", "tests", "-m", "integration and not e2e", work=work)],
        ),
        Tier("coverage", _coverage(work)),
        Tier("e2e", [_pytest("e2e", "tests", "-m", "e2e", work=work)]),
        Tier("stories", [_stories(work)]),
    ]

    return {tier.name: tier for tier in listed}


def _lint() -> list[Step]:
    return [
        _command("ruff", "ruff", "check", "."),
        _command("ruff format", "ruff", "format", "--check", "."),
        _command("import contracts", "lint-imports"),
        _module("generated files are fresh", "hack.generate", "--check"),
    ]


def _pytest(name: str, *arguments: str, work: Path, parallel: bool = False) -> Step:
    report = work / f"{name}.xml"
    workers = ("-n", _WORKERS) if parallel else ()

    return Step(
        about="pytest",
        arguments=[
            *(_PYTHON, "-m", "coverage", "run", "--parallel-mode", "-m", "pytest", "-q"),
            *(f"--junitxml={report}", "--override-ini=junit_family=xunit1", *workers, *arguments),
        ],
        report=report,
        environment={"COVERAGE_FILE": str(work / ".coverage")},
    )


def _simulation(work: Path) -> list[Step]:
    report, caught = work / "seeds.xml", work / "mutants.xml"

    return [
        _pytest("simulation", "tests/simulation", work=work, parallel=True),
        Step(
            about="a thousand seeds",
            arguments=[_PYTHON, "-m", "hack.simulate", "--seeds", "1000", "--report", str(report)],
            report=report,
        ),
        Step(
            about="mutants",
            arguments=[_PYTHON, "-m", "hack.mutants", "check", "--report", str(caught)],
            report=caught,
        ),
    ]


def _coverage(work: Path) -> list[Step]:
    data = {"COVERAGE_FILE": str(work / ".coverage")}
    report = str(work / "coverage.json")

    return [
        Step(
            about="combine",
            arguments=[_PYTHON, "-m", "coverage", "combine", "--quiet", str(work)],
            environment=data,
        ),
        Step(
            about="report",
            arguments=[_PYTHON, "-m", "coverage", "json", "--quiet", "-o", report],
            environment=data,
        ),
        _module("gate", "hack.tiers.coverage", report),
    ]


def _stories(work: Path) -> Step:
    report = work / "stories.xml"

    return Step(
        about="Chainsaw",
        arguments=[_PYTHON, "-m", "hack.e2e", "--report", str(report)],
        report=report,
    )


def _command(about: str, name: str, *arguments: str) -> Step:
    return Step(about=about, arguments=[str(_SCRIPTS / name), *arguments])


def _module(about: str, name: str, *arguments: str) -> Step:
    return Step(about=about, arguments=[_PYTHON, "-m", name, *arguments])
