"""The demo's way with kubectl, tried on a program that answers from a file."""

from pathlib import Path

import pytest

from hack.cluster.error import ClusterError
from hack.demo.kubectl import Kubectl
from hack.demo.show import show_next

_SCRIPT = """#!/bin/sh
line=$(head -n 1 {answers})
sed -i 1d {answers}
[ "$line" != FAIL ] || {{ echo "no such cluster" >&2; exit 1; }}
printf %s "$line"
"""


def a_kubectl(folder: Path, *answers: str, kubeconfig: Path | None = None) -> Kubectl:
    """A kubectl that gives one answer after the other."""
    (folder / "answers").write_text("".join(f"{answer}\n" for answer in answers))
    program = folder / "kubectl"
    program.write_text(_SCRIPT.format(answers=folder / "answers"))
    program.chmod(0o755)

    return Kubectl(program, kubeconfig)


def test_a_command_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    kubectl = a_kubectl(tmp_path, "FAIL")

    with pytest.raises(ClusterError, match="no such cluster"):
        kubectl("get", "nodes")


def test_each_turn_of_ready_is_told_once_while_waiting(tmp_path: Path) -> None:
    starting, ready = "False PodsStarting: no pod runs yet", "True Ready: 1 of 1 serve"
    kubectl = a_kubectl(tmp_path, starting, starting, ready)
    told: list[str] = []

    kubectl.await_ready("demo", "images", say=told.append, seconds=30)

    assert told == [f"  Ready={starting}", f"  Ready={ready}"]


def test_waiting_ends_with_what_was_said_last_and_where_to_look(tmp_path: Path) -> None:
    kubectl = a_kubectl(tmp_path, "False ImagePullFailed: image registry:99", "False Later: x")

    with pytest.raises(ClusterError, match="ImagePullFailed") as raised:
        kubectl.await_ready("demo", "images", say=lambda _: None, seconds=0)

    assert "describe registry images" in raised.value.cure


@pytest.mark.parametrize("own", [True, False])
def test_the_next_steps_name_the_kubeconfig_only_where_it_is_not_the_users_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, own: bool
) -> None:
    kubectl = a_kubectl(tmp_path, kubeconfig=None if own else tmp_path / "config")

    show_next(kubectl, "demo", "images", replicas=3)

    assert ("export KUBECONFIG=" in capsys.readouterr().out) is not own
