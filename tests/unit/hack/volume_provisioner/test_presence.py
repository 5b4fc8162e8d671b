"""How others see that the provisioner works."""

from __future__ import annotations

from pathlib import Path

from hack.volume_provisioner.presence import Presence, is_present


def test_nobody_is_present_before_it_is_shown_or_after_it_ended(tmp_path: Path) -> None:
    presence = Presence(tmp_path)
    before = is_present(tmp_path)

    presence.show()
    presence.show()
    shown = is_present(tmp_path), is_present(tmp_path)
    presence.end()

    assert not before
    assert shown == (True, True)
    assert not is_present(tmp_path)


def test_nobody_is_present_at_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert not is_present(tmp_path / "none")
