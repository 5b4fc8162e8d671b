"""Processes that outlive their starter: real ones, ended by the test that started them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster.error import ClusterError
from hack.cluster.process import MARK, Command, Supervisor, completed
from hack.cluster.procfs import descendants

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
SLEEP = Command(name="sleeper", arguments=["sleep", "600"])
STUBBORN = Command(
    name="stubborn",
    arguments=["sh", "-c", "trap '' TERM; echo ready; exec sleep 600"],
)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(run=tmp_path / "run", log=tmp_path / "log", mark=str(tmp_path))
    yield made
    made.kill(*made.names())
    assert made.strays() == []


def wrote(supervisor: Supervisor, name: str, text: str) -> None:
    supervisor.await_ready(name, lambda: text in supervisor.tail(name), seconds=10)


def test_a_started_process_is_a_session_of_its_own(supervisor: Supervisor) -> None:
    pid = supervisor.start(SLEEP)

    assert supervisor.pid("sleeper") == pid
    assert os.getsid(pid) == pid != os.getsid(0)
    assert supervisor.state("sleeper") == "running"


def test_starting_a_running_one_changes_nothing(supervisor: Supervisor) -> None:
    assert supervisor.start(SLEEP) == supervisor.start(SLEEP)


def test_another_supervisor_of_the_same_folder_finds_it(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    pid = supervisor.start(SLEEP)

    other = Supervisor(run=tmp_path / "run", log=tmp_path / "log", mark=str(tmp_path))

    assert other.pid("sleeper") == pid


def test_an_id_that_was_given_to_another_process_is_not_taken_for_ours(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.start(SLEEP)
    record = tmp_path / "run" / "sleeper.json"
    supervisor.kill("sleeper")
    record.write_text(f'{{"pid": {os.getpid()}, "started": "1", "wraps": false}}')

    assert supervisor.state("sleeper") == "dead"
    supervisor.kill("sleeper")  # or this test would end here


def test_a_stopped_process_is_gone_and_remembered(supervisor: Supervisor) -> None:
    supervisor.start(SLEEP)

    supervisor.stop("sleeper")

    assert supervisor.state("sleeper") == "dead"
    assert supervisor.names() == ["sleeper"]


def test_one_that_ignores_the_request_is_killed_after_its_grace(supervisor: Supervisor) -> None:
    supervisor.start(STUBBORN)
    wrote(supervisor, "stubborn", "ready")

    supervisor.stop("stubborn", grace=0.1)

    assert supervisor.pid("stubborn") is None


def test_a_paused_process_can_be_resumed_and_stopped(supervisor: Supervisor) -> None:
    supervisor.start(SLEEP)

    supervisor.pause("sleeper")
    paused = supervisor.state("sleeper")
    supervisor.resume("sleeper")
    resumed = supervisor.state("sleeper")
    supervisor.pause("sleeper")
    supervisor.stop("sleeper", grace=5)

    assert (paused, resumed) == ("paused", "running")
    assert supervisor.pid("sleeper") is None


def test_signals_reach_the_wrapped_process_not_the_wrapper(supervisor: Supervisor) -> None:
    command = Command(name="w", arguments=["sh", "-c", "sleep 600; true"], wraps=True)

    wrapper = supervisor.start(command)

    inner = supervisor.pid("w")
    assert inner is not None
    assert inner != wrapper
    assert descendants(wrapper) == [wrapper, inner]
    supervisor.kill("w")
    assert supervisor.state("w") == "dead"


def test_a_process_whose_record_was_lost_is_found_by_its_mark(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    pid = supervisor.start(SLEEP)
    # While a program is being replaced by another the kernel shows no environment.
    environment = Path(f"/proc/{pid}/environ")
    supervisor.await_ready("sleeper", lambda: MARK.encode() in environment.read_bytes())
    record = tmp_path / "run" / "sleeper.json"
    kept = record.read_text()
    record.unlink()

    assert supervisor.strays() == [pid]
    record.write_text(kept)


def test_nothing_of_our_environment_but_path_and_home_is_inherited(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.start(Command(name="env", arguments=["sh", "-c", "env; exec sleep 600"]))
    wrote(supervisor, "env", f"{MARK}={tmp_path}")

    names = {line.partition("=")[0] for line in supervisor.tail("env").splitlines()}

    assert names <= {"PATH", "HOME", MARK, "PWD", "OLDPWD", "SHLVL", "_"}


def test_a_program_that_is_missing_is_named(supervisor: Supervisor) -> None:
    with pytest.raises(ClusterError, match="no-such-program"):
        supervisor.start(Command(name="x", arguments=["no-such-program"]))


def test_waiting_for_one_that_dies_ends_with_its_last_words(supervisor: Supervisor) -> None:
    supervisor.start(Command(name="x", arguments=["sh", "-c", "echo no disk; exit 1"]))

    with pytest.raises(ClusterError, match=r"x: ended.*\n.*no disk"):
        supervisor.await_ready("x", lambda: False, seconds=10)


def test_waiting_too_long_says_for_how_long(supervisor: Supervisor) -> None:
    supervisor.start(SLEEP)

    with pytest.raises(ClusterError, match="not ready after 0 s"):
        supervisor.await_ready("sleeper", lambda: False, seconds=0)


def test_pausing_a_dead_one_is_an_error(supervisor: Supervisor) -> None:
    with pytest.raises(ClusterError, match="not running"):
        supervisor.pause("sleeper")


def test_a_failed_program_is_an_error_with_what_it_wrote() -> None:
    with pytest.raises(ClusterError, match="why"):
        completed(["sh", "-c", "echo why >&2; exit 3"], {})

    assert completed(["sh", "-c", "exit 3"], {}, check=False).returncode == 3
