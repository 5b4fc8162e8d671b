"""The check of a registry, made of the programs of each release."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from registry_operator.distribution.check import (
    AUTHENTICATED,
    DELETION_OFF,
    READ_ONLY,
    RESERVED,
    Check,
    Result,
    Verdict,
    perform,
)
from registry_operator.distribution.configuration import Settings, render
from registry_operator.distribution.drivers import FilesystemStorage, InMemoryStorage, Storage
from registry_operator.distribution.release import Release
from registry_operator.distribution.sample import MANIFEST_TYPE, sample_of
from tests.integration.distribution.programs import (
    CAN_MOUNT,
    Running,
    request,
    started,
    with_mounts,
)

pytestmark = pytest.mark.integration

_NONCE = b"nonce"
_FULL = "mount -t tmpfs -o size=64k tmpfs {folder} && head -c 65536 /dev/zero > {folder}/fill || :"


def _unchanged(_configuration: dict[str, Any]) -> None:
    """As the operator writes it."""


@contextmanager
def _serving(
    binary: Path,
    release: Release,
    folder: Path,
    *,
    storage: Storage | None = None,
    change: Callable[[dict[str, Any]], None] = _unchanged,
) -> Iterator[Running]:
    def configure(address: str, debug_address: str) -> dict[str, Any]:
        settings = Settings(
            storage=storage or InMemoryStorage(), address=address, debug_address=debug_address
        )
        configuration = render(settings, release=release)
        change(configuration)
        return configuration

    with started(binary, configure, folder) as registry:
        assert registry.wait(), registry.log.read_text()
        yield registry


def _check(registry: Running, *, nonce: bytes = _NONCE, **fields: Any) -> Result:
    port = urlsplit(registry.url).port
    assert port is not None
    check = Check("127.0.0.1", port, **fields)
    return asyncio.run(perform(check, nonce=nonce, clock=time.monotonic))


def _manifest(registry: Running) -> int:
    """The status of the manifest that a check pushes."""
    url = f"{registry.url}/v2/{RESERVED}/manifests/{sample_of(_NONCE).manifest.digest}"
    return request("GET", url, headers={"Accept": MANIFEST_TYPE}).status


@pytest.mark.parametrize("kind", ["inmemory", "filesystem"])
def test_a_check_passes_again_and_again_and_leaves_no_tag_and_no_manifest(
    release: Release, binary: Path, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "data"
    storage = FilesystemStorage(str(folder)) if kind == "filesystem" else InMemoryStorage()
    with _serving(binary, release, tmp_path, storage=storage) as registry:
        for _ in range(3):
            result = _check(registry)
            assert result == Result(Verdict.PASSED, "", "", result.seconds)
            assert _manifest(registry) == 404
            tags = request("GET", f"{registry.url}/v2/{RESERVED}/tags/list")
            assert tags.status == 404 or b'"tags":null' in tags.body.replace(b" ", b"")
    # The bytes stay until garbage is collected: three files for a nonce, however often it is used.
    assert len(list(folder.rglob("data"))) == (3 if kind == "filesystem" else 0)


def test_where_deletion_is_off_the_check_passes_again_and_again_and_says_so(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    def change(configuration: dict[str, Any]) -> None:
        configuration["storage"]["delete"]["enabled"] = False

    with _serving(binary, release, tmp_path, change=change) as registry:
        for _ in range(2):
            result = _check(registry)
            assert (result.verdict, result.limited) == (Verdict.PASSED, DELETION_OFF), result


def test_a_registry_that_is_only_read_passes_though_it_is_asked_to_take_a_push(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    def change(configuration: dict[str, Any]) -> None:
        configuration["storage"]["maintenance"]["readonly"] = {"enabled": True}

    with _serving(binary, release, tmp_path, change=change) as registry:
        for writes in (True, False):
            result = _check(registry, writes=writes)
            assert (result.verdict, result.limited) == (Verdict.PASSED, READ_ONLY), result


def test_behind_passwords_it_is_alive_and_no_more_is_said(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    passwords = tmp_path / "htpasswd"
    passwords.write_text(f"somebody:$2y$05${'x' * 53}\n")

    def change(configuration: dict[str, Any]) -> None:
        configuration["auth"] = {"htpasswd": {"realm": "here", "path": str(passwords)}}

    with _serving(binary, release, tmp_path, change=change) as registry:
        result = _check(registry)
        assert (result.verdict, result.limited) == (Verdict.PASSED, AUTHENTICATED), result


@pytest.mark.parametrize("changed", [{"host": "https://images.example"}, {"relativeurls": True}])
def test_it_stays_at_the_address_whatever_the_registry_calls_itself(
    release: Release, binary: Path, tmp_path: Path, changed: dict[str, Any]
) -> None:
    def change(configuration: dict[str, Any]) -> None:
        configuration["http"].update(changed)

    with _serving(binary, release, tmp_path, change=change) as registry:
        assert _check(registry).verdict is Verdict.PASSED


def test_a_registry_below_a_prefix_is_checked_there(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    def change(configuration: dict[str, Any]) -> None:
        configuration["http"]["prefix"] = "/below/"

    with _serving(binary, release, tmp_path, change=change) as registry:
        result = _check(registry, prefix="/below/")
        assert result == Result(Verdict.PASSED, "", "", result.seconds)


@pytest.mark.skipif(not CAN_MOUNT, reason="mounting needs root")
def test_a_full_folder_fails_the_push_of_a_registry_that_is_ready(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    program = with_mounts(binary, tmp_path / "run", mounts=_FULL.format(folder=folder))
    storage = FilesystemStorage(str(folder))
    with _serving(program, release, tmp_path, storage=storage) as registry:
        result = _check(registry)
        assert (result.verdict, result.step) == (Verdict.FAILED, "push"), result
        assert "500" in result.message


def test_blobs_that_were_emptied_behind_its_back_fail_the_pull(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    with _serving(binary, release, tmp_path, storage=FilesystemStorage(str(folder))) as registry:
        assert _check(registry).verdict is Verdict.PASSED
        for data in folder.rglob("data"):
            data.write_bytes(b"")

        result = _check(registry)

        assert (result.verdict, result.step) in {
            (Verdict.FAILED, "push"),
            (Verdict.FAILED, "pull"),
        }, result
        assert _check(registry, nonce=b"another").verdict is Verdict.PASSED


def test_a_registry_that_has_ended_is_unreachable(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    with _serving(binary, release, tmp_path) as registry:
        registry.terminate()
        assert _check(registry).verdict is Verdict.UNREACHABLE
