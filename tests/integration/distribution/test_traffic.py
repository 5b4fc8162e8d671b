"""What the real programs count of their clients, read as the operator reads it during a roll-out."""

import asyncio
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from controllers.registry.comparison import Look, Record
from controllers.registry.rounds import ask
from registry_operator.distribution import traffic
from registry_operator.distribution.check import Check, Verdict, perform
from registry_operator.distribution.configuration import Settings, render
from registry_operator.distribution.drivers import FilesystemStorage
from registry_operator.distribution.release import Release
from registry_operator.distribution.sample import MANIFEST_TYPE
from registry_operator.distribution.traffic import Count, Traffic
from tests.integration.distribution.programs import Running, request, started

pytestmark = pytest.mark.integration

_PULL = ("manifest", "get")
# It refers to nothing that would have to be there.
_INDEX = b'{"schemaVersion": 2, "mediaType": "%s", "manifests": []}'
_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
_IMAGE = "/v2/team/images/manifests/latest"


@contextmanager
def _serving(binary: Path, release: Release, scratch: Path, folder: Path) -> Iterator[Running]:
    """The program, its images in a folder, as the operator configures it."""
    scratch.mkdir()

    def configure(address: str, debug_address: str) -> dict[str, Any]:
        storage = FilesystemStorage(str(folder))
        settings = Settings(storage=storage, address=address, debug_address=debug_address, extra={})
        return render(settings, release=release)

    with started(binary, configure, scratch) as registry:
        assert registry.wait(), registry.log.read_text()
        yield registry


def _counted(registry: Running) -> Traffic:
    port = urlsplit(registry.debug_url).port
    assert port is not None
    answer = asyncio.run(ask("127.0.0.1", traffic.PATH, port=port))
    found = traffic.parse(answer)
    assert found is not None, answer.decode()
    return found


def _checked(registry: Running) -> Verdict:
    """What comes of trying it as the operator tries new pods."""
    port = urlsplit(registry.url).port
    assert port is not None
    what = Check("127.0.0.1", port=port)
    return asyncio.run(perform(what, nonce=b"x", clock=time.monotonic)).verdict


def _push(registry: Running) -> None:
    body = _INDEX % _INDEX_TYPE.encode()
    headers = {"Content-Type": _INDEX_TYPE}
    assert request("PUT", registry.url + _IMAGE, body=body, headers=headers).status == 201


def _pull(registry: Running) -> int:
    accepts = f"{MANIFEST_TYPE}, {_INDEX_TYPE}"
    return request("GET", registry.url + _IMAGE, headers={"Accept": accepts}).status


def _look(new: Running, old: Running) -> Look:
    return Look({"new": _counted(new)}, {"old": _counted(old)})


def test_what_a_check_asks_for_is_counted_by_kind(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    with _serving(binary, release, tmp_path / "run", tmp_path / "data") as registry:
        assert _checked(registry) is Verdict.PASSED
        assert _pull(registry) == 404

        found = _counted(registry)
        assert found[_PULL] == Count(2)
        assert found["manifest", "put"] == Count(1)
        assert found["blob", "get"] == Count(2)
        assert found["blob_upload", "post"] == Count(2)
        assert all(not count.failed and not count.slow for count in found.values())


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="giving up rights needs root"
)
def test_a_program_that_stands_the_check_and_fails_its_clients_is_found_by_their_counters(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    """As where an image runs by another user, who may not read what others have pushed."""
    limited = tmp_path / "limited"
    rights = "--bounding-set=-dac_override,-dac_read_search"
    limited.write_text(f'#!/bin/sh\nexec setpriv {rights} {binary} "$@"\n')
    limited.chmod(0o755)
    data = tmp_path / "data"
    with (
        _serving(binary, release, tmp_path / "old", data) as old,
        _serving(limited, release, tmp_path / "new", data) as new,
    ):
        _push(old)
        team = data / "docker/registry/v2/repositories/team"
        os.chown(team, 1, 1)
        team.chmod(0o700)
        assert _checked(new) is Verdict.PASSED
        record = Record().plus(_look(new, old))
        assert {_pull(new) for _ in range(30)} == {500}
        assert {_pull(old) for _ in range(30)} == {200}

        found = record.plus(_look(new, old)).worse()
        assert found is not None
        assert (found.kind, found.seen, found.usual) == (_PULL, 30, 0.0)


def test_programs_that_fail_alike_are_not_to_blame(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    with (
        _serving(binary, release, tmp_path / "old", data) as old,
        _serving(binary, release, tmp_path / "new", data) as new,
    ):
        _push(old)
        record = Record().plus(_look(new, old))
        # Neither can read it.
        link = _link(data)
        link.unlink()
        link.mkdir()
        assert {_pull(one) for _ in range(30) for one in (old, new)} == {500}

        assert record.plus(_look(new, old)).worse() is None


def test_what_the_store_held_up_is_slow(release: Release, binary: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with _serving(binary, release, tmp_path / "run", data) as registry:
        _push(registry)
        assert _pull(registry) == 200
        link = _link(data)
        link.unlink()
        # Whoever opens it waits for somebody who writes; what is read then is no digest.
        os.mkfifo(link)
        with ThreadPoolExecutor(1) as clients:
            answer = clients.submit(_pull, registry)
            time.sleep(traffic.SLOW_SECONDS + 0.3)
            os.close(os.open(link, os.O_WRONLY))
            assert answer.result(timeout=10) == 500

        assert _counted(registry)[_PULL] == Count(2, failed=1, slow=1)


def _link(data: Path) -> Path:
    """The file that says what the tag is."""
    found = data / "docker/registry/v2/repositories/team/images/_manifests/tags/latest/current/link"
    assert found.is_file()
    return found
