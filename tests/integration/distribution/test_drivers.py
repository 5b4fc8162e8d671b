"""What drivers are told, read by the programs: options of S3, TLS by an authority of one's own,
and clouds as far as a program goes without them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from controllers.registry.options import findings
from hack.cluster.aws import Keys
from registry_operator.api.registry import RegistrySpec
from registry_operator.distribution.configuration import Settings, render
from registry_operator.distribution.drivers import (
    AzureStorage,
    GcsStorage,
    Options,
    S3Storage,
    Storage,
)
from registry_operator.distribution.release import Release
from tests.integration.distribution.programs import DEBIAN, Running, request, started
from tests.integration.distribution.stores import STORES, stores
from tests.integration.distribution.tls import tls_before

pytestmark = pytest.mark.integration

_BUCKET = "images"
_KEYS = Keys(access="AKIAEXAMPLE", secret="wJalrXUtnFEMI")
OPTIONS: dict[str, dict[str, Any]] = {
    "a folder": {"rootdirectory": "team-a/images"},
    "sizes": {
        "chunksize": 5 << 20,
        "multipartcopychunksize": 5 << 20,
        "multipartcopymaxconcurrency": 3,
        "multipartcopythresholdsize": 0,
    },
    "no class and no encryption": {"storageclass": "NONE", "encrypt": False},
    "a class": {"storageclass": "REDUCED_REDUNDANCY"},
    "a class of today": {"storageclass": "STANDARD_IA"},
    "AWS's endpoints": {"usedualstack": False, "accelerate": False},
    "a log": {"loglevel": "debug"},
}
_SINCE_3 = {"a class of today"}


@pytest.fixture(scope="module")
def url_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Has a store run, and says where."""
    with stores(tmp_path_factory.mktemp, keys=_KEYS, bucket=_BUCKET) as url_of:
        yield url_of


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> str:
    """The URL of an S3 store with one bucket."""
    return url_of(request.param)


def _s3(endpoint: str, **said: Any) -> S3Storage:
    return S3Storage(
        bucket=_BUCKET,
        endpoint=endpoint,
        access_key=_KEYS.access,
        secret_key=_KEYS.secret,
        **said,
    )


@contextmanager
def _running(
    binary: Path, storage: Storage, release: Release, folder: Path, **environment: str
) -> Iterator[Running]:
    def configure(address: str, debug_address: str) -> dict[str, Any]:
        # Healthy for half a minute whatever the store says: long enough to ask what is asked here.
        settings = Settings(storage=storage, address=address, debug_address=debug_address)
        return render(settings, release=release)

    with started(binary, configure, folder, environment=environment) as registry:
        yield registry


def _upload(registry: Running, repository: str) -> int:
    return request("POST", f"{registry.url}/v2/{repository}/blobs/uploads/").status


@pytest.mark.parametrize("name", OPTIONS)
def test_a_registry_serves_with_each_option_and_ends_by_those_that_are_refused(
    name: str, release: Release, binary: Path, store: str, tmp_path: Path
) -> None:
    with _running(binary, _s3(store, options=OPTIONS[name]), release, tmp_path) as registry:
        serves = registry.wait()
        assert serves is not (name in _SINCE_3 and release == DEBIAN), registry.log.read_text()
        if serves:
            assert request("GET", f"{registry.url}/v2/").status == 200
            assert _upload(registry, "team/options") == 202, registry.log.read_text()


def test_a_class_that_ends_an_old_release_is_refused_for_it(release: Release) -> None:
    spec = RegistrySpec.model_validate(
        {"storage": {"s3": {"bucket": "b", "storageClass": "STANDARD_IA"}}}
    )

    assert bool(findings(spec, release)) is (release == DEBIAN)


def test_registries_in_two_folders_of_a_bucket_do_not_see_each_other(
    release: Release, binary: Path, store: str, tmp_path: Path
) -> None:
    folders = [f"{release.minor}/{name}" for name in ("a", "b")]
    one, two = (_s3(store, options={"rootdirectory": folder}) for folder in folders)
    with (
        _running(binary, one, release, tmp_path) as first,
        _running(binary, two, release, tmp_path) as second,
    ):
        assert first.wait()
        assert second.wait()
        upload = request("POST", f"{first.url}/v2/team/a/blobs/uploads/")
        location = upload.headers["Location"].replace(first.url, "")

        # The state of the upload is signed for both; only the folder keeps them apart.
        assert request("GET", f"{first.url}{location}").status == 204
        assert request("GET", f"{second.url}{location}").status == 404


@pytest.mark.parametrize("trusted", [True, False])
def test_a_store_is_reached_over_tls_by_an_authority_that_lies_beside_the_file(
    release: Release, binary: Path, store: str, tmp_path: Path, *, trusted: bool
) -> None:
    with tls_before(store) as (url, certificate):
        (tmp_path / "ca.crt").write_text(certificate if trusted else "none")
        directories = f"{tmp_path}:/etc/ssl/certs"
        storage = _s3(url)
        with _running(binary, storage, release, tmp_path, SSL_CERT_DIR=directories) as registry:
            assert registry.wait() or not trusted, registry.log.read_text()
            if registry.exit_code is None:
                status = _upload(registry, "team/tls")
                assert (status == 202) is trusted, registry.log.read_text()


def test_whoever_answers_is_trusted_when_that_is_said(
    release: Release, binary: Path, store: str, tmp_path: Path
) -> None:
    with tls_before(store) as (url, _):
        storage = _s3(url, options={"skipverify": True})
        with _running(binary, storage, release, tmp_path) as registry:
            assert registry.wait(), registry.log.read_text()
            assert _upload(registry, "team/tls") == 202, registry.log.read_text()


def _service_account() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "p",
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": "images@p.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": "http://127.0.0.1:9/token",
        }
    )


def test_a_program_starts_with_the_key_of_a_service_account(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    key = tmp_path / "gcs.json"
    key.write_text(_service_account())
    options: Options = {"rootdirectory": "a", "chunksize": 1 << 20, "maxconcurrency": 30}
    storage = GcsStorage(bucket="images", key_file=str(key), options=options)
    with _running(binary, storage, release, tmp_path) as registry:
        if not registry.wait() and "not registered: gcs" in registry.log.read_text():
            pytest.skip("this program was built without Google's driver")
        assert registry.exit_code is None, registry.log.read_text()


def test_a_program_starts_with_the_key_of_an_account(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    if release == DEBIAN:
        pytest.skip("2.8 asks the real service for the container before it starts")

    options = {"serviceurl": "http://127.0.0.1:9/acc", "rootdirectory": "a"}
    storage = AzureStorage(account="acc", container="con", account_key="a2V5a2V5", options=options)
    with _running(binary, storage, release, tmp_path) as registry:
        assert registry.wait(), registry.log.read_text()


def test_a_container_without_a_key_is_refused_where_a_program_ends_or_has_no_identity(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    azure = {"accountName": "acc", "container": "con"}
    spec = RegistrySpec.model_validate({"storage": {"azure": azure}})
    storage = AzureStorage(account="acc", container="con")
    with _running(binary, storage, release, tmp_path) as registry:
        serves = registry.wait()

    # 3.0 starts, and signs with an empty key whatever it asks for.
    assert serves is (release != DEBIAN), registry.log.read_text()
    assert bool(findings(spec, release)) is release.surely_before((3, 1, 0))
