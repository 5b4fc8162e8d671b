"""Rendering the registry's configuration."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from registry_operator.distribution.configuration import Settings, render, to_yaml
from registry_operator.distribution.drivers import (
    FilesystemStorage,
    InMemoryStorage,
    S3Storage,
    Storage,
)
from registry_operator.distribution.release import Release

_OLD, _NEW = Release(2, 8, 3), Release(3, 1, 2)
_KEY, _SECRET = "AKIAVERYPUBLIC", "hush-hush"
_LOCAL = FilesystemStorage("/var/lib/registry")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def _s3(**changes: Any) -> S3Storage:
    given: dict[str, Any] = {"bucket": "images", "access_key": _KEY, "secret_key": _SECRET}
    return S3Storage(**{**given, **changes})


def _storage(storage: Storage, release: Release | None = _NEW, **settings: Any) -> dict[str, Any]:
    made: dict[str, Any] = render(Settings(storage=storage, **settings), release=release)["storage"]
    return made


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_yaml_says_the_same_in_every_reader(content: dict[str, Any]) -> None:
    assert yaml.safe_load(to_yaml(content)) == content


@given(st.text())
def test_a_string_is_always_quoted(text: str) -> None:
    assert to_yaml({"key": text}).startswith('key: "')


@pytest.mark.parametrize("key", ["on", "y", "null", "true", "0o17", "1e3", "<<", "A", "a b"])
def test_a_key_that_may_be_read_as_something_else_is_quoted(key: str) -> None:
    assert to_yaml({key: 1}).startswith('"')


@given(st.permutations(["log", "http", "storage", "health"]))
def test_the_order_of_keys_does_not_show(order: list[str]) -> None:
    assert to_yaml(dict.fromkeys(order, 1)) == to_yaml(dict.fromkeys(sorted(order), 1))


def test_the_same_settings_give_the_same_text() -> None:
    settings = Settings(storage=_s3(), extra={"log": {"level": "debug"}})

    assert to_yaml(render(settings, release=_NEW)) == to_yaml(render(settings, release=_NEW))


@pytest.mark.parametrize("release", [_OLD, _NEW, None])
@pytest.mark.parametrize("storage", [_LOCAL, InMemoryStorage(), _s3()])
def test_every_configuration_has_what_the_operator_relies_on(
    storage: Storage, release: Release | None
) -> None:
    made = render(Settings(storage=storage), release=release)

    assert made["version"] == "0.1"
    assert made["http"]["addr"] == ":5000"
    assert made["http"]["debug"] == {
        "addr": ":5001",
        "prometheus": {"enabled": True, "path": "/metrics"},
    }
    assert made["http"]["draintimeout"] == "60s"
    assert made["health"]["storagedriver"] == {"enabled": True, "interval": "10s", "threshold": 3}
    assert made["storage"]["delete"] == {"enabled": True}
    assert "secret" not in made["http"]
    assert "tag" not in made["storage"]


def test_exactly_one_driver_is_rendered() -> None:
    drivers = {"filesystem", "inmemory", "s3"}

    assert drivers & _storage(_LOCAL).keys() == {"filesystem"}
    assert drivers & _storage(InMemoryStorage()).keys() == {"inmemory"}
    assert drivers & _storage(_s3()).keys() == {"s3"}


def test_a_bucket_of_aws_needs_no_more_than_its_name() -> None:
    assert _storage(S3Storage(bucket="images"))["s3"] == {
        "bucket": "images",
        "region": "us-east-1",
        "forcepathstyle": False,
        "secure": True,
    }


def test_a_store_of_ones_own_is_addressed_by_path_and_as_its_url_says() -> None:
    made = _storage(_s3(endpoint="http://minio:9000/", region="eu"))["s3"]

    assert made == {
        "bucket": "images",
        "region": "eu",
        "regionendpoint": "http://minio:9000",
        "forcepathstyle": True,
        "secure": False,
        "accesskey": _KEY,
        "secretkey": _SECRET,
    }


@pytest.mark.parametrize(
    ("endpoint", "is_aws"),
    [
        (None, True),
        ("", True),
        ("https://s3.eu-west-1.amazonaws.com", True),
        ("https://s3.cn-north-1.amazonaws.com.cn:443", True),
        ("s3.amazonaws.com", True),
        ("https://amazonaws.com.example.org", False),
        ("http://minio:9000", False),
        ("minio:9000", False),
        ("http://[fd00::1]:9000", False),
    ],
)
def test_only_aws_is_trusted_to_be_reachable_by_clients(
    endpoint: str | None, *, is_aws: bool
) -> None:
    made = _storage(_s3(endpoint=endpoint))

    assert made["redirect"] == {"disable": not is_aws}
    assert made["s3"]["forcepathstyle"] is not is_aws


@pytest.mark.parametrize("wanted", [True, False])
def test_path_style_is_as_the_user_says_when_he_says(*, wanted: bool) -> None:
    assert _storage(_s3(force_path_style=wanted))["s3"]["forcepathstyle"] is wanted


@pytest.mark.parametrize("half", [{"access_key": None}, {"secret_key": ""}])
def test_half_a_pair_of_keys_is_none(half: dict[str, Any]) -> None:
    assert not {"accesskey", "secretkey"} & _storage(_s3(**half))["s3"].keys()


@pytest.mark.parametrize(
    ("storage", "release", "enabled"),
    [
        (_LOCAL, _OLD, True),
        (_s3(), _NEW, True),
        (_s3(), _OLD, False),
        (_s3(), None, False),
        (_LOCAL, None, True),
    ],
)
def test_uploads_are_purged_but_where_the_purger_crashes_and_always_with_all_four_keys(
    storage: Storage, release: Release | None, *, enabled: bool
) -> None:
    purging = _storage(storage, release)["maintenance"]["uploadpurging"]

    assert purging == {"enabled": enabled, "age": "168h", "interval": "24h", "dryrun": False}


def test_a_part_of_purging_keeps_the_rest() -> None:
    extra = {"storage": {"maintenance": {"uploadpurging": {"age": "1h"}}}}

    purging = _storage(_LOCAL, extra=extra)["maintenance"]["uploadpurging"]

    assert purging == {"enabled": True, "age": "1h", "interval": "24h", "dryrun": False}


def test_descriptors_are_cached_only_where_no_other_process_deletes() -> None:
    undeletable = {"storage": {"delete": {"enabled": False}}}

    assert "cache" in _storage(_LOCAL)
    assert "cache" not in _storage(_LOCAL, replicas=2)
    assert "cache" not in _storage(_s3())
    assert "cache" in _storage(_s3(), extra=undeletable)
    assert _storage(_LOCAL)["cache"] == {"blobdescriptor": "inmemory"}


def test_scaling_a_registry_on_a_bucket_changes_no_pod() -> None:
    assert _storage(_s3(), replicas=1) == _storage(_s3(), replicas=9)


def test_extras_are_laid_over_and_the_rest_stays() -> None:
    extra = {"log": {"level": "debug"}, "catalog": {"maxentries": 5}}

    made = render(Settings(storage=_LOCAL, extra=extra), release=_NEW)

    assert made["log"] == {"level": "debug", "formatter": "json", "accesslog": {"disabled": True}}
    assert made["catalog"] == {"maxentries": 5}


def test_the_users_mapping_is_not_changed() -> None:
    extra: dict[str, Any] = {"storage": {"delete": {"enabled": False}}}

    render(Settings(storage=_s3(), extra=extra), release=_NEW)

    assert extra == {"storage": {"delete": {"enabled": False}}}


@pytest.mark.parametrize("show", [repr, str, "{!r}".format])
def test_no_secret_is_shown(show: Any) -> None:
    extra = {"notifications": {"endpoints": [{"headers": {"Authorization": [_SECRET]}}]}}
    settings = Settings(storage=_s3(), extra=extra)

    shown = show(settings) + show(settings.storage)

    assert "images" in shown
    assert _KEY not in shown
    assert _SECRET not in shown
