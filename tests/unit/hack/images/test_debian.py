"""Debian's archive is asked of apt, and what is missing is said with the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.images import debian
from hack.images.errors import ImageError

_LISTING = """\
https://mirror.example/debian/ bookworm-updates main Packages
https://mirror.example/debian/ bookworm main Sources
https://mirror.example/debian/ bookworm contrib Packages
https://mirror.example/debian/ bookworm main Packages
https://other.example/debian/ bookworm main Packages
"""


def test_the_first_archive_that_serves_the_suite_is_used() -> None:
    assert debian._archive_of(_LISTING) == "https://mirror.example/debian/"


@pytest.mark.parametrize("listing", ["", "https://mirror.example/ trixie main Packages\n"])
def test_an_apt_without_the_suite_is_told_what_to_add(listing: str) -> None:
    with pytest.raises(ImageError, match="no source for Debian bookworm main: add one"):
        debian._archive_of(listing)


def test_commands_that_exist_are_not_installed(tmp_path: Path) -> None:
    told: list[str] = []

    debian.require({"sh": "no-such-package"}, scratch=tmp_path, say=told.append)

    assert told == []
