"""What `passthrough.check` refuses, the programs refuse too or drop without a word: which of the
two."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from registry_operator.distribution.configuration import Settings, render
from registry_operator.distribution.drivers import FilesystemStorage
from registry_operator.distribution.passthrough import check, merge
from registry_operator.distribution.release import Release
from tests.integration.distribution.programs import request, started

pytestmark = pytest.mark.integration


class Case(NamedTuple):
    """A piece of configuration, the path that is refused, and the programs that end (2.8, 3.0,
    3.1)."""

    config: dict[str, Any]
    path: str
    ends: tuple[bool, bool, bool]


ALL, NONE = (True, True, True), (False, False, False)
CASES = {
    "another version": Case({"version": "0.2"}, "version", ALL),
    "an unknown level": Case({"log": {"level": "trace"}}, "log.level", ALL),
    "an unknown formatter": Case({"log": {"formatter": "xml"}}, "log.formatter", ALL),
    "a second driver": Case({"storage": {"inmemory": {}}}, "storage.inmemory", ALL),
    "a driver that is gone": Case({"storage": {"oss": {}}}, "storage.oss", ALL),
    "a negative tag limit": Case(
        {"storage": {"tag": {"concurrencylimit": -1}}}, "storage.tag.concurrencylimit", ALL
    ),
    "redirect as text": Case(
        {"storage": {"redirect": {"disable": "true"}}}, "storage.redirect.disable", ALL
    ),
    "purging age as number": Case(
        {"storage": {"maintenance": {"uploadpurging": {"age": 60}}}},
        "storage.maintenance.uploadpurging.age",
        ALL,
    ),
    "read-only as boolean": Case(
        {"storage": {"maintenance": {"readonly": True}}}, "storage.maintenance.readonly", ALL
    ),
    "a redis cache without redis": Case(
        {"storage": {"cache": {"blobdescriptor": "redis"}}}, "storage.cache", ALL
    ),
    "unknown middleware": Case({"middleware": {"storage": [{"name": "x"}]}}, "middleware", ALL),
    "unknown authentication": Case({"auth": {"x": {}}}, "auth", ALL),
    "an unreachable upstream": Case({"proxy": {"remoteurl": "http://127.0.0.1:1"}}, "proxy", ALL),
    "a certificate that is not there": Case(
        {"http": {"tls": {"certificate": "/none", "key": "/none"}}}, "http.tls", ALL
    ),
    "look-around in an expression": Case(
        {"validation": {"manifests": {"urls": {"allow": ["(?=x)"]}}}},
        "validation.manifests.urls.allow[0]",
        ALL,
    ),
    "a negative page": Case({"tags": {"maxtags": -1}}, "tags.maxtags", (False, False, True)),
    "a word for a number": Case({"catalog": {"maxentries": "many"}}, "catalog.maxentries", ALL),
    "a misspelt key": Case({"htpp": {"host": "x"}}, "htpp", NONE),
    "an upper-case key": Case({"http": {"relativeURLs": True}}, "http.relativeURLs", NONE),
    "deletion as text": Case(
        {"storage": {"delete": {"enabled": "true"}}}, "storage.delete.enabled", NONE
    ),
    "a number as duration": Case(
        {"health": {"tcp": [{"addr": "127.0.0.1:1", "interval": 3600000000000}]}},
        "health.tcp[0].interval",
        NONE,
    ),
    "an old redis block": Case({"redis": {"addr": "127.0.0.1:1"}}, "redis", NONE),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_refused_would_end_the_program_or_have_no_effect(
    name: str, release: Release, binary: Path, tmp_path: Path
) -> None:
    case = CASES[name]
    ends = dict(zip(((2, 8), (3, 0), (3, 1)), case.ends, strict=True))[
        release.major, release.minor or 0
    ]

    def configure(address: str, debug_address: str) -> dict[str, Any]:
        settings = Settings(
            storage=FilesystemStorage(str(tmp_path / "data")),
            address=address,
            debug_address=debug_address,
        )
        return merge(render(settings, release=release), case.config)

    refused = [finding.path for finding in check(case.config, release)]
    with started(binary, configure, tmp_path) as registry:
        serves = registry.wait()

    if refused != [case.path]:
        # A key that this release has not is refused as a whole, before its value is looked at.
        assert len(refused) == 1
        assert case.path.startswith(refused[0])

    assert serves is not ends, registry.log.read_text()


def test_tag_options_are_refused_for_the_releases_that_end_by_them(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    extra = {"storage": {"tag": {"concurrencylimit": 2}}}

    def configure(address: str, debug_address: str) -> dict[str, Any]:
        settings = Settings(
            storage=FilesystemStorage(str(tmp_path / "data")),
            address=address,
            debug_address=debug_address,
            extra=extra,
        )
        return render(settings, release=release)

    with started(binary, configure, tmp_path) as registry:
        serves = registry.wait()

    assert serves is (check(extra, release) == [])


def test_deletion_as_text_leaves_deletion_off(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    def configure(address: str, debug_address: str) -> dict[str, Any]:
        settings = Settings(
            storage=FilesystemStorage(str(tmp_path / "data")),
            address=address,
            debug_address=debug_address,
        )
        extra = {"storage": {"delete": {"enabled": "true"}}}
        return merge(render(settings, release=release), extra)

    with started(binary, configure, tmp_path) as registry:
        assert registry.wait()
        answer = request("DELETE", f"{registry.url}/v2/a/blobs/sha256:{'0' * 64}")

    assert answer.status == 405
