"""Which loop a test runs on, and that no test blocks it.

Tests of the runtime, those of its conformance and those marked `virtual` run on virtual time, unless
marked `real_time` (they talk to a real socket or thread). A call that would block the event loop
raises, in product code and tests alike.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import hypothesis
import pytest
import structlog
from blockbuster import blockbuster_ctx

from registry_operator.testing.virtual_loop import VirtualClock, VirtualLoop

_VIRTUAL = {Path(__file__).parent / "unit" / "runtime", Path(__file__).parent / "conformance"}
_OWN_CODE = ["registry_operator", "controllers"]

# How fast a loaded machine draws examples says nothing about the code.
hypothesis.settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any-machine")


def pytest_configure(config: pytest.Config) -> None:
    # Rendering a traceback reads source files: a blocking call that no test is about.
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
        ]
    )
    config.addinivalue_line("markers", "real_time: runs on a real event loop (sockets, threads)")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.get_closest_marker("real_time"):
        virtual = False
    else:
        virtual = (
            not _VIRTUAL.isdisjoint(item.path.parents)
            or item.get_closest_marker("virtual") is not None
        )
    return {"virtual": VirtualLoop} if virtual else {"real": asyncio.SelectorEventLoop}


@pytest.fixture(autouse=True)
def _nothing_blocks() -> Iterator[None]:
    with blockbuster_ctx(scanned_modules=_OWN_CODE):
        yield


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()
