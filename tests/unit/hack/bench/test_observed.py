"""The operator that watches itself is still the operator: same arguments, same output."""

import os
import subprocess
import sys
from pathlib import Path

from hack.bench import observed
from hack.operator import ROOT
from registry_operator import __version__


def test_a_run_leaves_its_turns_and_its_profile(tmp_path: Path) -> None:
    turns, profile = tmp_path / "turns", tmp_path / "profile" / "run.txt"
    environment = {observed.TURNS: str(turns), observed.PROFILE: str(profile)}
    ran = subprocess.run(
        [sys.executable, "-m", observed.MODULE, "version"],
        env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.strip() == __version__
    assert turns.read_text() == ""  # it had no event loop
    assert "Ordered by: internal time" in profile.read_text()
    assert "Ordered by: cumulative time" in profile.read_text()
