"""Load on a Registry's Service while something happens to it, and the judgement: none failed.

The clients are in a node's network and reach the Service's address themselves, as pods do: a
forwarder between them would hide how connections end.
"""

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from controllers.kinds import SERVICE
from hack.cluster.report import to_stderr
from hack.load.address import Address
from hack.load.load import Plan
from hack.load.load_thread import LoadThread
from hack.load.table import summary
from hack.world import World

# Fewer for a machine that others use at the same time: what fails then is the machine.
RATE = float(os.environ.get("LOAD_RATE", "60"))
_LATEST_SECONDS = 2.0
_BEFORE_SECONDS, _AFTER_SECONDS = 2.0, 3.0


@contextmanager
def loaded(world: World, registry: str, *, rate: float = RATE) -> Iterator[LoadThread]:
    """Load on a Registry, which goes on for a while before and after what happens meanwhile."""
    plan = Plan(rate=rate, seed=uuid.uuid4().int)
    with LoadThread(address_of(world, registry), plan, enter=world.cluster.enter) as load:
        time.sleep(_BEFORE_SECONDS)
        yield load
        time.sleep(_AFTER_SECONDS)


def address_of(world: World, registry: str) -> Address:
    """Where clients in the cluster reach a Registry."""
    service = world.get(SERVICE, registry)
    assert service is not None
    return Address(service["spec"]["clusterIP"], service["spec"]["ports"][0]["port"])


def assert_none_failed(load: LoadThread, *, latest: float = _LATEST_SECONDS) -> None:
    """No request failed of a load whose journeys began when they were due; tells the figures.

    `latest`: seconds by which a journey may begin too late.
    """
    report = load.report()
    to_stderr(summary(report))

    assert not report.failures, "\n".join(map(str, report.failures))
    assert report.late < latest
