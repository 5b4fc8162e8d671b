"""Rendered configurations, read by the programs that they are for: push, pull, delete, stop."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hack.cluster.aws import Keys
from registry_operator.distribution.configuration import Settings, render
from registry_operator.distribution.drivers import (
    FilesystemStorage,
    InMemoryStorage,
    S3Storage,
    Storage,
)
from registry_operator.distribution.passthrough import check
from registry_operator.distribution.release import Release
from tests.integration.distribution.programs import Running, request, started
from tests.integration.distribution.stores import STORES, stores

pytestmark = pytest.mark.integration

_BUCKET = "images"
_KEYS = Keys(access="AKIAEXAMPLE0o17", secret="se: cret#1e10/+=")
_BLOB = b"layer" * 1000
_DIGEST = f"sha256:{hashlib.sha256(_BLOB).hexdigest()}"
_EXTRA: Mapping[str, Any] = {
    "log": {"level": "debug", "fields": {"team": "0o17", "on": True}},
    "storage": {
        "maintenance": {"uploadpurging": {"age": "24h"}, "readonly": {"enabled": False}},
        "redirect": {"disable": True},
    },
    "http": {"headers": {"X-Registry": ["yes"]}, "relativeurls": True, "http2": {"disabled": True}},
    "health": {"storagedriver": {"interval": "1m"}, "tcp": []},
    "notifications": {
        "events": {"includereferences": True},
        "endpoints": [
            {"name": "hook", "url": "http://127.0.0.1:1/", "timeout": "1s", "backoff": "1s"}
        ],
    },
    "validation": {"manifests": {"urls": {"allow": ["^https://example[.]com/"]}}},
    "policy": {"repository": {"classes": ["image"]}},
    "catalog": {"maxentries": 50},
}


@pytest.fixture(scope="session")
def url_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Has a store run, and says where."""
    with stores(tmp_path_factory.mktemp, keys=_KEYS, bucket=_BUCKET) as url_of:
        yield url_of


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> str:
    """The URL of an S3 store with one bucket."""
    return url_of(request.param)


def _s3(endpoint: str, secret: str = _KEYS.secret) -> S3Storage:
    return S3Storage(bucket=_BUCKET, endpoint=endpoint, access_key=_KEYS.access, secret_key=secret)


@pytest.fixture(params=["filesystem", "inmemory", *STORES])
def storage(
    request: pytest.FixtureRequest, tmp_path: Path, url_of: Callable[[str], str]
) -> Storage:
    """Each kind of storage."""
    match request.param:
        case "filesystem":
            return FilesystemStorage(str(tmp_path / "data"))
        case "inmemory":
            return InMemoryStorage()
        case _:
            return _s3(url_of(request.param))


def _configure(
    storage: Storage, release: Release | None, extra: Mapping[str, Any] | None = None
) -> Any:
    def configure(address: str, debug_address: str) -> dict[str, Any]:
        settings = Settings(
            storage=storage, address=address, debug_address=debug_address, extra=extra or {}
        )
        return render(settings, release=release)

    return configure


def _push(registry: Running, repository: str) -> str:
    """Uploads the blob to `repository`; returns its URL."""
    upload = request("POST", f"{registry.url}/v2/{repository}/blobs/uploads/")
    assert upload.status == 202, registry.log.read_text()
    location = upload.headers["Location"]
    location = location if location.startswith("http") else registry.url + location
    sent = request(
        "PUT",
        f"{location}&digest={_DIGEST}",
        body=_BLOB,
        headers={"Content-Type": "application/octet-stream"},
    )
    assert sent.status == 201, registry.log.read_text()

    return f"{registry.url}/v2/{repository}/blobs/{_DIGEST}"


def test_a_rendered_configuration_serves_blobs_and_stops_in_order(
    release: Release, binary: Path, storage: Storage, tmp_path: Path
) -> None:
    with started(binary, _configure(storage, release), tmp_path) as registry:
        assert registry.wait(), registry.log.read_text()
        assert request("GET", f"{registry.url}/").status == 200
        assert request("GET", f"{registry.url}/v2/").status == 200
        assert b"registry_http" in request("GET", f"{registry.debug_url}/metrics").body
        assert request("GET", f"{registry.debug_url}/debug/health").status == 200
        blob = _push(registry, f"team/{release.major}-{release.minor}")

        pulled = request("GET", blob)

        assert (pulled.status, pulled.body) == (200, _BLOB)
        assert request("DELETE", blob).status == 202
        assert request("GET", blob).status == 404
        assert registry.terminate() == 0


def test_the_configuration_for_an_unknown_release_serves_on_every_release(
    binary: Path, storage: Storage, tmp_path: Path
) -> None:
    with started(binary, _configure(storage, None), tmp_path) as registry:
        assert registry.wait(), registry.log.read_text()
        blob = _push(registry, "any")

        assert request("GET", blob).body == _BLOB


def test_what_the_check_accepts_the_program_reads(
    release: Release, binary: Path, storage: Storage, tmp_path: Path
) -> None:
    assert check(_EXTRA, release) == []
    with started(binary, _configure(storage, release, _EXTRA), tmp_path) as registry:
        assert registry.wait(), registry.log.read_text()
        answer = request("GET", f"{registry.url}/v2/")

    assert answer.status == 200
    assert answer.headers["X-Registry"] == "yes"


def test_a_blob_deleted_by_one_pod_is_gone_for_another_on_the_same_bucket(
    release: Release, binary: Path, store: str, tmp_path: Path
) -> None:
    configure = _configure(_s3(store), release)
    with started(binary, configure, tmp_path) as one, started(binary, configure, tmp_path) as two:
        assert one.wait()
        assert two.wait()
        blob = _push(one, f"shared/{release.major}-{release.minor}")
        seen = blob.replace(one.url, two.url)
        assert request("GET", seen).status == 200

        assert request("DELETE", blob).status == 202

        assert request("HEAD", seen).status == 404


def test_wrong_keys_make_the_registry_answer_503_and_not_end(
    release: Release, binary: Path, store: str, tmp_path: Path
) -> None:
    bucket = _s3(store, secret="wrong")
    extra = {"health": {"storagedriver": {"interval": "50ms", "threshold": 1}}}
    with started(binary, _configure(bucket, release, extra), tmp_path) as registry:
        assert _comes_to_answer(registry, 503)

        assert registry.process.poll() is None


def _comes_to_answer(registry: Running, status: int) -> bool:
    """Whether `/` comes to answer `status`."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if request("GET", f"{registry.url}/").status == status:
                return True
        except OSError:
            assert registry.process.poll() is None, registry.log.read_text()

        time.sleep(0.02)

    return False
