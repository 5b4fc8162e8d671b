"""A command tells how far it is while it runs, and why it failed when it did."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.images.command import Command, run
from hack.images.errors import ImageError


def _shell(script: str, tmp_path: Path) -> Command:
    return Command(title="the work", argv=["sh", "-c", script], log=tmp_path / "log")


def test_the_title_is_told_first_and_progress_with_the_last_line(tmp_path: Path) -> None:
    told: list[str] = []

    run(_shell("echo unpacking; sleep 0.3", tmp_path), say=told.append, every=0.1)

    assert told[0] == "the work"
    assert told[-1].startswith("the work: 0 s")
    assert told[-1].endswith("(unpacking)")


def test_a_quick_command_tells_only_its_title(tmp_path: Path) -> None:
    told: list[str] = []

    run(_shell("true", tmp_path), say=told.append)

    assert told == ["the work"]


def test_a_failure_names_the_work_the_code_and_the_last_lines(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        run(_shell("seq 100; echo no space left >&2; exit 7", tmp_path), say=lambda _: None)

    text = str(caught.value)
    assert text.startswith("the work failed: sh exited with 7")
    assert "no space left" in text
    assert "\n  80\n" not in text


def test_a_command_that_does_not_exist_is_named(tmp_path: Path) -> None:
    command = Command(title="the work", argv=["no-such-command"], log=tmp_path / "log")

    with pytest.raises(ImageError, match="no-such-command does not start"):
        run(command, say=lambda _: None)


def test_an_interruption_ends_the_command_and_its_children(tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        if line != "the work":
            raise KeyboardInterrupt

    late = tmp_path / "late"
    with pytest.raises(KeyboardInterrupt):
        run(_shell(f"(sleep 0.4; touch {late}) & wait", tmp_path), say=interrupt, every=0.05)

    run(_shell("sleep 0.5", tmp_path), say=lambda _: None)

    assert not late.exists()


def test_settings_are_added_to_the_environment_and_the_folder_is_used(tmp_path: Path) -> None:
    command = Command(
        title="the work",
        argv=["sh", "-c", 'echo "$ADDED in $(pwd)" && test -n "$PATH"'],
        log=tmp_path / "log",
        environment={"ADDED": "yes"},
        directory=tmp_path,
    )

    run(command, say=lambda _: None)

    assert f"yes in {tmp_path}\n" == command.log.read_text()
