"""The command line: what it refuses, and in which words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hack.cluster.host import unfit
from hack.cluster.plan import Profile

ROOT = Path(__file__).resolve().parents[4]


def cluster(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    environment = os.environ | {
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    answer = subprocess.run(
        [sys.executable, "-m", "hack.cluster", *arguments],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )

    return answer.returncode, answer.stdout + answer.stderr


def test_help_names_every_command(tmp_path: Path) -> None:
    code, said = cluster(tmp_path, "--help")

    assert code == 0
    for command in ("up", "down", "list", "kubeconfig", "run", "load", "fault", "logs", "build"):
        assert f"    {command} " in said or f"    {command}\n" in said


def test_a_cluster_that_does_not_exist_is_an_error_with_a_cure(tmp_path: Path) -> None:
    code, said = cluster(tmp_path, "kubeconfig", "nobody")

    assert code == 1
    assert "does not exist (there are: none)" in said
    assert "what to do: python -m hack.cluster up nobody" in said


def test_taking_down_what_is_not_there_leaves_nothing_and_succeeds(tmp_path: Path) -> None:
    code, said = cluster(tmp_path, "down", "nobody")

    assert code == 0
    assert "0 processes, 0 mounts, 0 namespaces, 0 cgroups, 0 files" in said


def test_an_unknown_tool_is_refused(tmp_path: Path) -> None:
    code, said = cluster(tmp_path, "build", "minikube")

    assert code == 1
    assert "no such tool" in said


@pytest.mark.parametrize(
    ("system", "user", "why"), [("Darwin", 0, "needs Linux, this is Darwin"), ("Linux", 1, "root")]
)
def test_a_host_that_cannot_run_real_nodes_is_told_why_and_what_to_do(
    system: str, user: int, why: str
) -> None:
    error = unfit(Profile.FULL, system=system, user=user)

    assert error is not None
    assert why in str(error)
    assert "use the control-plane profile, which needs no root" in str(error)


def test_a_control_plane_runs_for_anybody_and_real_nodes_for_root_on_linux() -> None:
    assert unfit(Profile.CONTROL_PLANE, system="Darwin", user=1) is None
    assert unfit(Profile.FULL, system="Linux", user=0) is None
