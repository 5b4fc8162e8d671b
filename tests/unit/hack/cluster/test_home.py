"""A cluster's folder, and the lock that keeps two commands from working on one cluster at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from hack.cluster.forwards import Forward, Forwards
from hack.cluster.home import Home, lock
from hack.cluster.plan import Ports, Spec
from hack.cluster.process import Supervisor


def test_a_lock_is_held_by_one_at_a_time_and_leaves_no_file(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def hold(number: int) -> None:
        for _ in range(20):
            with lock("a", clusters=tmp_path):
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)

    with ThreadPoolExecutor() as pool:
        list(pool.map(hold, range(8)))

    assert max(most) == 1
    assert len(most) == 160
    assert list(tmp_path.iterdir()) == []


def test_locks_of_two_names_do_not_wait_for_each_other(tmp_path: Path) -> None:
    entered = Event()

    def other() -> None:
        with lock("b", clusters=tmp_path):
            entered.set()

    with ThreadPoolExecutor() as pool, lock("a", clusters=tmp_path):
        pool.submit(other)

        assert entered.wait(10)


def test_a_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), lock("a", clusters=tmp_path):
        int("broken")

    with lock("a", clusters=tmp_path):
        assert (tmp_path / ".a.lock").exists()

    assert not (tmp_path / ".a.lock").exists()


def test_a_half_written_cluster_does_not_exist(tmp_path: Path) -> None:
    home = Home("a", clusters=tmp_path)
    home.root.mkdir()

    assert not home.exists
    home.write(Spec(name="a"), Ports(host=1))
    assert home.exists


def test_forwards_are_kept_with_their_ports(tmp_path: Path) -> None:
    supervisor = Supervisor(run=tmp_path / "run", log=tmp_path / "log", mark=str(tmp_path))
    forward = Forward(listen=10001, namespace="ro-a-1", address="10.89.0.1", port=6443)
    forwards = Forwards(tmp_path / "forwards.json", supervisor, lambda: 10002)

    forwards.keep("forward-apiserver", forward)

    again = Forwards(tmp_path / "forwards.json", supervisor, lambda: 10002)
    assert again.names() == ["forward-apiserver"]
    assert "10001" in again.command("forward-apiserver").arguments
    assert json.loads((tmp_path / "forwards.json").read_text())["forward-apiserver"]["port"] == 6443
