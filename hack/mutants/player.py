"""A copy of the tree with one mistake in it, and a process that plays seeds there.

In flow a mutant (or none) and seeds; out flows what was played. Each mutant has a process of its
own, so nothing of one is left for the next. A traceback is told apart from a broken law: a mistake
that only crashes proves nothing about the laws.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hack.mutants.mutant import ROOT, Mutant

_FOLDERS = ("registry_operator", "controllers", "tests", "hack")
_LEFT_OUT = shutil.ignore_patterns("node_modules", "*.tar*", "tools")


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one play: a broken `law` and `how`, or an `error`, or neither: all held."""

    law: str = ""
    how: str = ""
    error: str = ""


class Copy:
    """A copy of the tree, for one mutant after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in _FOLDERS:
            shutil.copytree(ROOT / name, folder / name, ignore=_LEFT_OUT)

    @asynccontextmanager
    async def player(self, mutant: Mutant | None) -> AsyncIterator[Player]:
        """Start a player of the mutant, or of the code as it is. Raises UnfitError."""
        file = self._folder / mutant.file if mutant else None
        before = file.read_bytes() if file else b""
        if file is not None and mutant is not None:
            file.write_text(mutant.applied(before.decode()), encoding="utf-8")
        try:
            player = await Player.start(self._folder)
            try:
                yield player
            finally:
                await player.end()
        finally:
            if file is not None:
                file.write_bytes(before)


class Player:
    """Asks a process to play; once it is gone every play is an error."""

    def __init__(self, process: Process, errors: Path) -> None:
        self._process = process
        self._errors = errors
        self._is_gone = False

    @classmethod
    async def start(cls, folder: Path) -> Player:
        """Start the process within a copy of the tree, where it writes no byte code."""
        settings = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        errors = folder / "stderr"
        with errors.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "hack.mutants.play"),
                cwd=folder,
                env={**os.environ, **settings},
                stdin=PIPE,
                stdout=PIPE,
                stderr=stderr,
            )
        return cls(process, errors)

    async def play(self, seed: int, *, roll: int = 0) -> Played:
        """Play a seed; `roll` other than 0 plays its steps under other chances."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if not self._is_gone:
            self._process.stdin.write(f"{seed} {roll}\n".encode())
            line = await self._process.stdout.readline()
            self._is_gone = not line
            if line:
                return Played(**json.loads(line))
        return Played(error=self._last_words())

    async def end(self) -> None:
        """End the process."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    def _last_words(self) -> str:
        lines = self._errors.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line for line in reversed(lines) if line), "the process ended: too much CPU")
