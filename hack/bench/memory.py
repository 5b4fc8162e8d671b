"""Resident memory of a cached object, against the same object decoded into dictionaries.

Each is measured in a fresh process, by the kernel's count.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator

import orjson

from controllers.kinds import DEPLOYMENT
from hack.bench import usage
from hack.bench.figure import Baseline, Figure, Target
from hack.bench.plan import Plan
from hack.bench.recording import Recording, record
from hack.bench.sample import SIZE, a_deployment
from registry_operator.api.names import LABEL_REGISTRY
from registry_operator.kube.object import Object
from registry_operator.runtime.owned import OWNER_INDEX
from registry_operator.runtime.ownership import by_owner_label
from registry_operator.runtime.store import Store

_OBJECTS = 20_000
Keep = Callable[[Iterator[bytes]], object]


def figures(_plan: Plan) -> Iterator[Figure]:
    """Bytes for each object of 4.3 KB."""
    recording = record()
    yield Figure(
        name=f"memory per cached object of {SIZE / 1000:.1f} KB",
        value=_measured(in_store, recording) / 1000,
        unit="KB",
        baselines=[Baseline("dictionaries", _measured(in_dictionaries, recording) / 1000)],
        targets=[Target(bound=6)],
    )


def in_store(raws: Iterator[bytes]) -> object:
    """Objects in a store with an index, as the operator holds them."""
    store = Store(DEPLOYMENT, indexes={OWNER_INDEX: by_owner_label(LABEL_REGISTRY)})
    objects = (Object.decode(raw, without_managed_fields=True) for raw in raws)
    store.writer().replace(objects, "1")

    return store


def in_dictionaries(raws: Iterator[bytes]) -> object:
    """Objects decoded once, as most operators hold them; without managedFields too."""
    kept = []
    for raw in raws:
        body = orjson.loads(raw)
        del body["metadata"]["managedFields"]
        kept.append(body)

    return kept


def _measured(keep: Keep, recording: Recording) -> float:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_resident_per_object, (keep, recording))


def _resident_per_object(keep: Keep, recording: Recording) -> float:
    # What decoding needs once is not counted.
    keep(a_deployment(recording, number) for number in range(10))
    gc.collect()
    before = usage.of(os.getpid()).resident
    kept = keep(a_deployment(recording, number) for number in range(_OBJECTS))
    gc.collect()
    after = usage.of(os.getpid()).resident
    del kept

    return (after - before) / _OBJECTS
