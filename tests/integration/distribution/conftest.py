"""The real registries that these tests run, each release once per session."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from hack.images.errors import ImageError
from registry_operator.distribution.release import Release
from tests.integration.distribution.programs import RELEASES, binary_of


@pytest.fixture(scope="session")
def binaries(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Release, Path | str]:
    """The programs by release; where one cannot be had, why."""
    found: dict[Release, Path | str] = {}
    for release in RELEASES:
        try:
            found[release] = binary_of(release, tmp_path_factory.mktemp("programs"))
        except ImageError as error:
            found[release] = str(error)

    return found


@pytest.fixture(params=RELEASES, ids=str)
def release(request: pytest.FixtureRequest) -> Release:
    """The release under test."""
    chosen: Release = request.param

    return chosen


@pytest.fixture
def binary(release: Release, binaries: Mapping[Release, Path | str]) -> Path:
    """Its program."""
    found = binaries[release]
    if isinstance(found, str):
        pytest.skip(f"no registry {release} here: {found}")

    return found
