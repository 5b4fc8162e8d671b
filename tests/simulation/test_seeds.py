"""Plans that once broke a law, and those that no seed makes, are played; one plan is one run."""

import subprocess
import sys
from pathlib import Path

import pytest

from hack.simulate.failure import REGRESSIONS, keep, read
from registry_operator.testing.simulation.plan import Plan
from tests.simulation.run import Verdict
from tests.simulation.scenario import plan

PLANS = Path(__file__).parent / "plans"
_PLAY = "from pathlib import Path; from hack.simulate.failure import read; from tests.simulation.run import run; import sys; v = run(read(Path(sys.argv[1]))); print(v.digest, v.breach)"


def play(file: Path, *, hashing: str = "0") -> tuple[str, str]:
    """The digest of a kept plan, and the law that it broke."""
    command = [sys.executable, "-c", _PLAY, str(file)]
    environment = {"PYTHONHASHSEED": hashing, "PATH": "", "PYTHONPATH": "."}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    digest, _, breach = done.stdout.strip().partition(" ")
    return digest, breach


def verdict_on(chosen: Plan) -> Verdict:
    return Verdict(chosen, None, "", 0.0, 0)


@pytest.mark.parametrize("file", sorted(REGRESSIONS.glob("*.json")), ids=lambda file: file.stem)
def test_a_plan_that_once_broke_a_law_breaks_none_any_more(file: Path) -> None:
    assert play(file)[1] == "None"


@pytest.mark.parametrize("file", sorted(PLANS.glob("*.json")), ids=lambda file: file.stem)
def test_a_plan_of_what_seeds_do_not_come_to_breaks_no_law(file: Path) -> None:
    assert play(file)[1] == "None"


@pytest.mark.parametrize("seed", [3, 5, 47, 55])
def test_one_plan_is_one_run(seed: int, tmp_path: Path) -> None:
    file = keep(verdict_on(plan(seed)), folder=tmp_path)
    assert read(file) == plan(seed)

    assert play(file) == play(file)
