"""How many watch events a second are decoded into objects, against `json.loads` of each line."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from hack.bench.figure import Baseline, Figure, Target
from hack.bench.plan import Plan
from hack.bench.recording import record
from hack.bench.sample import a_deployment
from registry_operator.kube.watch import EventDecoder

_EVENTS = 20_000
_DISTINCT = 500
_CHUNK = 64 * 1024


def figures(_plan: Plan) -> Iterator[Figure]:
    """Events of 4.3 KB objects, with and without the managedFields that are cut out."""
    recording = record()
    bodies = [a_deployment(recording, number) for number in range(_DISTINCT)]
    yield _figure("decode of a watch stream, managedFields cut out", bodies)
    yield _figure("decode of a watch stream", [_without_managed_fields(one) for one in bodies])


def _figure(name: str, bodies: list[bytes]) -> Figure:
    lines = [b'{"type":"MODIFIED","object":' + body + b"}\n" for body in bodies]
    stream = b"".join(lines * (_EVENTS // _DISTINCT))

    return Figure(
        name=name,
        value=_EVENTS / _seconds_decoding(stream),
        unit="events/s",
        baselines=[Baseline("json.loads", _EVENTS / _seconds_loading(stream))],
        targets=[Target(bound=30_000, at_least=True)],
    )


def _seconds_decoding(stream: bytes) -> float:
    decoder = EventDecoder(without_managed_fields=True)
    began = time.process_time()
    for start in range(0, len(stream), _CHUNK):
        decoder.feed(stream[start : start + _CHUNK])

    return time.process_time() - began


def _seconds_loading(stream: bytes) -> float:
    began = time.process_time()
    for line in stream.splitlines():
        json.loads(line)

    return time.process_time() - began


def _without_managed_fields(raw: bytes) -> bytes:
    body = json.loads(raw)
    del body["metadata"]["managedFields"]

    return json.dumps(body, separators=(",", ":")).encode()
