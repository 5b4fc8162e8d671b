"""Folders as volumes give them: only to be read, or full. What the programs do, and what they say.

Each program runs in a mount namespace of its own, where the folder is what a node would mount.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from registry_operator.distribution.configuration import Settings, render
from registry_operator.distribution.drivers import FilesystemStorage
from registry_operator.distribution.release import Release
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


def _push(registry: Running, blob: bytes) -> int:
    """The status of the upload of a blob, of its beginning or of its end."""
    upload = request("POST", f"{registry.url}/v2/team/images/blobs/uploads/")
    if upload.status != 202:
        return upload.status
    location = upload.headers["Location"]
    location = location if location.startswith("http") else registry.url + location
    headers = {"Content-Type": "application/octet-stream"}
    return request("PATCH", location, body=blob, headers=headers).status


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


def test_a_full_volume_fails_pushes_and_no_check_of_the_registry_says_so(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    storage = FilesystemStorage(str(folder))
    with _mounted(binary, release, tmp_path / "run", storage, mount=_FULL) as registry:
        assert _push(registry, b"x" * (1 << 20)) >= 500
        time.sleep(1.0)
        assert request("GET", f"{registry.url}/").status == 200
        assert request("GET", f"{registry.debug_url}/debug/health").status == 200
