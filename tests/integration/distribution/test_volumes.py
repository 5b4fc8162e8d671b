"""Folders as volumes give them: only to be read, or full. What the programs do, and what they say.

Each program runs in a mount namespace of its own, where the folder is what a node would mount. What
its counters say of failing pushes is read as the operator reads it.
"""

import asyncio
import hashlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from controllers.registry import uploads
from controllers.registry.rounds import ask
from controllers.registry.uploads import Look, Uploads
from registry_operator.distribution import traffic
from registry_operator.distribution.configuration import Settings, render
from registry_operator.distribution.drivers import FilesystemStorage
from registry_operator.distribution.release import Release
from registry_operator.distribution.traffic import Count
from tests.integration.distribution.programs import (
    CAN_MOUNT,
    Running,
    request,
    started,
    with_mounts,
)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not CAN_MOUNT, reason="mounting needs root"),
]

_READ_ONLY = "mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}"
_FULL = "mount -t tmpfs -o size=64k tmpfs {folder}"
_OFTEN: Mapping[str, Any] = {"health": {"storagedriver": {"interval": "100ms"}}}


@contextmanager
def _mounted(
    binary: Path, release: Release, scratch: Path, storage: FilesystemStorage, *, mount: str
) -> Iterator[Running]:
    """The program, its folder mounted as `mount` says."""

    def configure(address: str, debug_address: str) -> dict[str, Any]:
        settings = Settings(
            storage=storage, address=address, debug_address=debug_address, extra=_OFTEN
        )
        return render(settings, release=release)

    program = with_mounts(binary, scratch, mounts=mount.format(folder=storage.root))
    with started(program, configure, scratch) as registry:
        assert registry.wait(), registry.log.read_text()
        yield registry


def _begin(registry: Running) -> tuple[int, str]:
    """The status of the beginning of an upload, and where it goes on."""
    upload = request("POST", f"{registry.url}/v2/team/images/blobs/uploads/")
    location = upload.headers.get("Location", "")
    return upload.status, location if location.startswith("http") else registry.url + location


def _push(registry: Running, blob: bytes) -> int:
    """The status of the upload of a blob: of its beginning, of its data, or of its end."""
    status, location = _begin(registry)
    if status != 202:
        return status
    headers = {"Content-Type": "application/octet-stream"}
    data = request("PATCH", location, body=blob, headers=headers)
    if data.status != 202:
        return data.status
    where = data.headers["Location"]
    where = where if where.startswith("http") else registry.url + where
    digest = hashlib.sha256(blob).hexdigest()
    return request("PUT", f"{where}&digest=sha256:{digest}", headers=headers).status


def _break_off(registry: Running) -> None:
    """A client that goes away in the middle of a blob."""
    _, location = _begin(registry)
    url = urlsplit(location)
    with socket.create_connection((url.hostname, url.port)) as client:
        client.sendall(
            f"PATCH {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n"
            "Content-Length: 1000000\r\n\r\nonly a part".encode()
        )


def _counters(registry: Running) -> bytes:
    port = urlsplit(registry.debug_url).port
    assert port is not None
    return asyncio.run(ask("127.0.0.1", traffic.PATH, port=port))


def _counted(registry: Running) -> Uploads:
    found = uploads.parse(_counters(registry))
    assert found is not None
    return found


def _within(registry: Running, command: str) -> None:
    """Runs a command in the mount namespace of the program."""
    within = ["nsenter", "--mount", f"--target={registry.process.pid}"]
    subprocess.run([*within, *command.split()], check=True)


def _without_rights(binary: Path, scratch: Path) -> Path:
    """The program as somebody whom the owners of files matter to, as they don't to root."""
    wrapper = scratch / "without-rights"
    rights = "--bounding-set=-dac_override,-dac_read_search"
    wrapper.write_text(f'#!/bin/sh\nexec setpriv {rights} {binary} "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


def test_what_is_on_a_volume_that_is_only_read_is_served_and_pushes_are_refused(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    storage = FilesystemStorage(str(folder), shared=True, read_only=True)
    with _mounted(binary, release, tmp_path / "run", storage, mount=_READ_ONLY) as registry:
        assert request("GET", f"{registry.url}/v2/").status == 200
        assert _push(registry, b"x") == 405
        assert request("GET", f"{registry.debug_url}/debug/health").status == 200
        assert list(folder.iterdir()) == []


def test_a_full_volume_fails_pushes_and_only_the_counters_say_so_until_there_is_room(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    storage = FilesystemStorage(str(folder))
    with _mounted(binary, release, tmp_path / "run", storage, mount=_FULL) as registry:
        assert _counted(registry) == Uploads()
        assert _push(registry, b"x" * (1 << 20)) >= 500
        assert _push(registry, b"x") >= 500
        time.sleep(1.0)
        assert request("GET", f"{registry.url}/").status == 200
        assert request("GET", f"{registry.debug_url}/debug/health").status == 200
        full = uploads.judge(Look(), _counted(registry))
        assert full.fails

        _within(registry, f"mount -o remount,size=8m {folder}")
        assert uploads.judge(full, _counted(registry)).fails
        assert _push(registry, b"x" * (1 << 20)) == 201
        assert not uploads.judge(full, _counted(registry)).fails


def test_a_volume_that_was_remounted_to_be_read_only_is_told_by_the_counters_until_it_is_writable(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    storage = FilesystemStorage(str(folder))
    with _mounted(binary, release, tmp_path / "run", storage, mount=_READ_ONLY) as registry:
        assert _push(registry, b"x") >= 500
        assert request("GET", f"{registry.url}/").status == 200
        read_only = uploads.judge(Look(), _counted(registry))
        assert read_only.fails

        _within(registry, f"mount -o remount,bind,rw {folder}")
        assert _push(registry, b"x") == 201
        assert not uploads.judge(read_only, _counted(registry)).fails


def test_a_volume_of_another_owner_is_told_by_the_counters_until_it_is_given_to_the_program(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    os.chown(folder, 1, 1)
    program = _without_rights(binary, tmp_path)
    storage = FilesystemStorage(str(folder))
    with _mounted(program, release, tmp_path / "run", storage, mount="true") as registry:
        assert _push(registry, b"x") >= 500
        assert request("GET", f"{registry.url}/").status == 200
        foreign = uploads.judge(Look(), _counted(registry))
        assert foreign.fails

        os.chown(folder, 0, 0)
        assert _push(registry, b"x") == 201
        assert not uploads.judge(foreign, _counted(registry)).fails


def test_a_push_that_a_client_broke_off_is_not_held_against_the_volume(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    storage = FilesystemStorage(str(folder))
    counter = b'code="500",handler="blob_upload_chunk",method="patch"} 1'
    with _mounted(binary, release, tmp_path / "run", storage, mount="true") as registry:
        _break_off(registry)
        deadline = time.monotonic() + 10
        while counter not in _counters(registry):
            assert time.monotonic() < deadline, _counters(registry).decode()
            time.sleep(0.05)
        assert _counted(registry) == Uploads()
        said = traffic.parse(_counters(registry))
        assert said is not None
        assert said["blob_upload_chunk", "patch"] == Count(1)
