"""The load on the real programs: all that it asks is answered rightly, and an end is noticed."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hack.load.address import Address
from hack.load.load import Plan
from hack.load.load_thread import LoadThread
from registry_operator.distribution.configuration import Settings, render
from registry_operator.distribution.drivers import FilesystemStorage
from registry_operator.distribution.release import Release
from tests.integration.distribution.programs import started

pytestmark = pytest.mark.integration


def test_no_request_of_a_load_fails_on_a_real_registry_until_it_is_gone(
    release: Release, binary: Path, tmp_path: Path
) -> None:
    storage = FilesystemStorage(str(tmp_path / "data"))

    def configure(address: str, debug_address: str) -> Mapping[str, Any]:
        settings = Settings(storage=storage, address=address, debug_address=debug_address)
        return render(settings, release=release)

    with started(binary, configure, tmp_path) as registry:
        assert registry.wait(), registry.log.read_text()
        address = Address.parse(registry.url.removeprefix("http://"))
        with LoadThread(address, Plan(rate=60)) as load:
            while (before := load.report()).seconds < 3:
                time.sleep(0.1)
            registry.terminate()
            time.sleep(1)
        after = load.report()

    assert before.failures == ()
    assert before.requests > 100
    assert len(before.operations) == 15
    assert after.operations["get blob"].failed.keys() <= {"refused", "reset"}
    assert after.none_failed_after(3) > 0.5
