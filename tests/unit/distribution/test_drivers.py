"""What each storage driver is told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_operator.distribution.configuration import Settings, render, to_yaml
from registry_operator.distribution.drivers import AzureStorage, GcsStorage, S3Storage, Storage
from registry_operator.distribution.passthrough import check
from registry_operator.distribution.release import Release
from registry_operator.distribution.schema import ROOT

_RELEASES = (Release(2, 8, 3), Release(3, 0, 0), Release(3, 1, 2), None)


def _azure(**said: Any) -> AzureStorage:
    return AzureStorage(account="images", container="registry", **said)


def _storage(storage: Storage, release: Release | None = _RELEASES[2]) -> dict[str, Any]:
    made: dict[str, Any] = render(Settings(storage=storage), release=release)["storage"]
    return made


def test_options_are_told_in_the_drivers_own_words() -> None:
    told = _storage(S3Storage(bucket="b", options={"encrypt": True, "chunksize": 5 << 20}))["s3"]

    assert (told["encrypt"], told["chunksize"]) == (True, 5 << 20)


@given(
    st.builds(
        S3Storage,
        bucket=st.just("b"),
        endpoint=st.sampled_from([None, "http://minio:9000"]),
        options=st.dictionaries(
            st.sampled_from(["encrypt", "chunksize", "rootdirectory", "loglevel"]),
            st.booleans() | st.integers(0) | st.text(max_size=4),
        ),
    )
)
def test_what_is_not_said_is_left_to_the_driver(storage: S3Storage) -> None:
    bare = S3Storage(bucket="b", endpoint=storage.endpoint)

    told = _storage(storage)["s3"]

    assert told == {**_storage(bare)["s3"], **storage.options}


@pytest.mark.parametrize("release", _RELEASES)
def test_every_key_that_is_told_is_known_to_the_table(release: Release | None) -> None:
    azure = _azure(account_key="a2V5")
    for storage in (S3Storage(bucket="b"), GcsStorage(bucket="b", key_file="/k"), azure):
        ((driver, parameters),) = storage.parameters().items()

        assert parameters.keys() <= ROOT.keys["storage"].keys[driver].keys.keys()
        assert _storage(storage, release)[driver] == parameters


@pytest.mark.parametrize("release", _RELEASES)
def test_a_bucket_of_google_needs_no_more_than_its_name(release: Release | None) -> None:
    made = _storage(GcsStorage(bucket="images"), release)

    assert made["gcs"] == {"bucket": "images"}
    assert "s3" not in made


def test_a_bucket_of_google_is_opened_with_the_key_file_beside_the_configuration() -> None:
    made = _storage(GcsStorage(bucket="images", key_file="/etc/registry-operator/gcs.json"))

    assert made["gcs"]["keyfile"] == "/etc/registry-operator/gcs.json"


@pytest.mark.parametrize("release", _RELEASES)
def test_a_container_with_a_key_is_opened_by_every_release(release: Release | None) -> None:
    told = _storage(_azure(account_key="a2V5"), release)["azure"]

    # 2.8 reads accountkey alone, 3.x asks first of which type the credentials are.
    assert told == {
        "accountname": "images",
        "container": "registry",
        "accountkey": "a2V5",
        "credentials": {"type": "shared_key"},
    }


def test_a_container_without_a_key_is_opened_by_the_pods_own_identity() -> None:
    told = _storage(_azure())["azure"]

    assert told["credentials"] == {"type": "default_credentials"}
    assert "accountkey" not in told


@pytest.mark.parametrize(
    ("storage", "redirects"),
    [
        (S3Storage(bucket="b"), True),
        (S3Storage(bucket="b", redirect=False), False),
        (S3Storage(bucket="b", endpoint="http://minio:9000"), False),
        (S3Storage(bucket="b", endpoint="http://minio:9000", redirect=True), True),
        (GcsStorage(bucket="b"), False),
        (GcsStorage(bucket="b", redirect=True), True),
        (GcsStorage(bucket="b", key_file="/k"), True),
        (GcsStorage(bucket="b", key_file="/k", redirect=False), False),
        (_azure(), False),
        (_azure(account_key="k"), True),
        (_azure(account_key="k", options={"serviceurl": "http://a"}), False),
        (_azure(redirect=True), True),
    ],
)
def test_clients_are_sent_to_the_store_where_they_reach_it_and_urls_can_be_signed(
    storage: Storage, *, redirects: bool
) -> None:
    assert _storage(storage)["redirect"] == {"disable": not redirects}


@pytest.mark.parametrize("storage", [GcsStorage(bucket="b"), _azure(account_key="k")])
def test_a_cloud_is_shared_so_that_no_pod_remembers_blobs_on_its_own(storage: Storage) -> None:
    assert "cache" not in _storage(storage)


def test_no_key_is_shown() -> None:
    assert "hush" not in repr(_azure(account_key="hush"))
    assert "hush" not in repr(S3Storage(bucket="b", access_key="hush", secret_key="hush"))


@pytest.mark.parametrize("driver", ["gcs", "azure"])
def test_a_clouds_address_and_keys_are_the_operators_and_the_rest_may_be_tuned(
    driver: str,
) -> None:
    owned = {"gcs": "keyfile", "azure": "accountkey"}[driver]
    tuned = {"gcs": {"maxconcurrency": 30}, "azure": {"max_retries": 2}}[driver]

    assert check({"storage": {driver: tuned}}, Release(3, 1, 2), driver=driver) == []
    (found,) = check({"storage": {driver: {owned: "x"}}}, Release(3, 1, 2), driver=driver)
    assert "set it in spec.storage" in found.message


def test_the_file_of_a_cloud_can_be_written() -> None:
    text = to_yaml(render(Settings(storage=_azure()), release=None))

    assert 'type: "default_credentials"' in text
