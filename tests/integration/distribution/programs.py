"""Real registries on loopback: which releases there are, and one process of one of them."""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hack.cluster.tools import Toolbox
from hack.images import debian
from registry_operator.distribution.configuration import to_yaml
from registry_operator.distribution.release import Release

DEBIAN = Release(2, 8, 2)
RELEASES: Mapping[Release, str] = {
    DEBIAN: "docker-registry",
    Release(3, 0, 0): "registry-3.0",
    Release(3, 1, 2): "registry-3.1",
}
"""The newest program that can be had of each kind of release, and the tool it comes from."""


def binary_of(release: Release, scratch: Path) -> Path:
    """The program of `release`: from Debian below `scratch`, or built by the project's tools."""
    if release != DEBIAN:
        return Toolbox().path(RELEASES[release])

    package = debian.unpack(RELEASES[release], scratch=scratch, say=lambda line: None)
    assert package.version.startswith(str(release))
    return package.folder / "usr" / "bin" / "docker-registry"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]

        return port


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        """A redirect is the answer that a test wants to see."""


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def request(
    method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    made = urllib.request.Request(url, data=body, method=method, headers=dict(headers or {}))
    try:
        with _OPENER.open(made, timeout=10) as response:
            return Answer(response.status, response.read(), response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read(), dict(error.headers))


@dataclass
class Running:
    """A process that was started, and what it wrote."""

    process: subprocess.Popen[str]
    url: str
    debug_url: str
    log: Path
    exit_code: int | None = field(default=None)

    def is_up(self) -> bool:
        try:
            return request("GET", f"{self.url}/").status < 500
        except OSError:
            return False

    def wait(self) -> bool:
        """Whether it serves (True) or has ended (False)."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            self.exit_code = self.process.poll()
            if self.exit_code is not None:
                return False

            if self.is_up():
                return True

            time.sleep(0.02)

        raise AssertionError(f"neither serves nor ends:\n{self.log.read_text()}")

    def terminate(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=20)


@contextmanager
def started(
    binary: Path,
    configure: Callable[[str, str], Mapping[str, Any]],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """A process with the configuration that `configure(address, debug_address)` gives."""
    port, debug_port = free_port(), free_port()
    configuration = configure(f"127.0.0.1:{port}", f"127.0.0.1:{debug_port}")
    file, log = folder / f"{port}.yml", folder / f"{port}.log"
    file.write_text(to_yaml(configuration))
    with log.open("w") as out:
        process = subprocess.Popen(
            [binary, "serve", file],
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                "OTEL_TRACES_EXPORTER": "none",
                "REGISTRY_HTTP_SECRET": '"shared"',
                **(environment or {}),
            },
        )

    running = Running(process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{debug_port}", log)
    try:
        yield running
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


CAN_MOUNT = os.geteuid() == 0 and shutil.which("unshare") is not None


def with_mounts(binary: Path, scratch: Path, *, mounts: str) -> Path:
    """The program in a mount namespace of its own, in which the shell commands `mounts` ran."""
    scratch.mkdir()
    wrapper = scratch / "registry"
    script = f'{mounts} && exec {binary} "$@"'
    wrapper.write_text(f"#!/bin/sh\nexec unshare --mount sh -c '{script}' registry \"$@\"\n")
    wrapper.chmod(0o755)

    return wrapper


def understands(binary: Path, configuration: Mapping[str, Any], folder: Path) -> bool:
    """Whether a program parses a configuration: it is asked for a collection and finds no images."""
    file = folder / "parsed.yml"
    file.write_text(to_yaml(configuration))
    result = subprocess.run(
        [binary, "garbage-collect", "--dry-run", file], capture_output=True, text=True, check=False
    )
    said = result.stdout + result.stderr
    assert "configuration error" in said or "Path not found" in said, said

    return "configuration error" not in said
