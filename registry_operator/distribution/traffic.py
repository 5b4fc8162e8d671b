"""What a registry process counted of its clients' requests: how many, how many failed, how slow.

In: an answer of `/metrics` at the debug port. Out: counts by handler and method, as the programs of
2.8 and 3.x name them (tests/integration/distribution/test_traffic.py). Pure. An image is the user's
choice, so an answer may be anything: it is read in one pass, and what is no sample is passed over.

Not counted as failed is the data of a blob (`blob_upload_chunk`): a push that is broken off is
counted there as 500 too, and is the client's doing. Not counted as slow is what lasts as long as
the client takes to read or to send: the data of blobs.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

PATH: Final = "/metrics"
SLOW_SECONDS: Final = 2.5
"""An answer is slow after so long; a bound of the histograms of all releases."""

Kind = tuple[str, str]
"""Handler and method, such as `("manifest", "get")`."""

# Always there, so that an answer without is none of the registry's.
_OURS = b"\nregistry_http_"
_SAMPLE = re.compile(
    rb"^registry_http_(requests_total|request_duration_seconds_bucket)"
    rb"\{([^{}\n]{1,200})\} (\d{1,17}(?:\.\d{1,17})?(?:e\+\d\d)?)$",
    re.MULTILINE,
)
_LABEL = re.compile(rb'(code|handler|method|le)="([\w.+]*)"')
_REQUESTS = b"requests_total"
_BY_CLIENTS_ALONE = frozenset({"blob_upload_chunk"})
_AS_LONG_AS_CLIENTS_TAKE = frozenset({("blob", "get"), ("blob_upload_chunk", "patch")})
_ALL = "+Inf"


@dataclass(frozen=True, slots=True)
class Count:
    """Requests of one kind: `answered` at all, `failed` with 5xx, `slow`."""

    answered: int = 0
    failed: int = 0
    slow: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.answered + other.answered, self.failed + other.failed, self.slow + other.slow
        )

    def __sub__(self, other: "Count") -> "Count":
        return Count(
            self.answered - other.answered, self.failed - other.failed, self.slow - other.slow
        )


Traffic = Mapping[Kind, Count]
"""What one process counted, or several."""

_NONE = Count()


def parse(answer: bytes) -> Traffic | None:
    """The counts in an answer; None when it is cut off or not the registry's."""
    if not is_whole(answer):
        return None
    answered: dict[Kind, int] = defaultdict(int)
    failed: dict[Kind, int] = defaultdict(int)
    slow: dict[Kind, int] = defaultdict(int)
    for kind, code, count in requests(answer):
        answered[kind] += count
        if code.startswith("5") and kind[0] not in _BY_CLIENTS_ALONE:
            failed[kind] += count
    for kind, timed, in_time in _durations(answer):
        if kind not in _AS_LONG_AS_CLIENTS_TAKE:
            slow[kind] = max(0, timed - in_time)
    # Counters and histograms are not read at one moment.
    return {
        kind: Count(count, failed[kind], min(slow[kind], count)) for kind, count in answered.items()
    }


def is_whole(answer: bytes) -> bool:
    """Whether it is the registry's, from the first line to the last."""
    return _OURS in answer and answer.endswith(b"\n")


def requests(answer: bytes) -> Iterator[tuple[Kind, str, int]]:
    """Each counter of requests: the kind, the code that was answered, and how many."""
    for name, labels, count in _samples(answer):
        if name == _REQUESTS:
            yield _kind(labels), labels.get("code", ""), count


def since(now: Traffic, before: Traffic) -> Traffic:
    """What was counted since; all of it, where counters went back, as the process began anew."""
    if any(_is_behind(now.get(kind, _NONE), count) for kind, count in before.items()):
        return now
    return {kind: count - before.get(kind, _NONE) for kind, count in now.items()}


def total(counted: Iterable[Traffic]) -> Traffic:
    """What several processes counted together."""
    found: dict[Kind, Count] = {}
    for traffic in counted:
        for kind, count in traffic.items():
            found[kind] = found.get(kind, _NONE) + count
    return found


def _is_behind(now: Count, before: Count) -> bool:
    pairs = ((now.answered, before.answered), (now.failed, before.failed), (now.slow, before.slow))
    return any(mine < its for mine, its in pairs)


def _durations(answer: bytes) -> Iterator[tuple[Kind, int, int]]:
    """Of each kind whose histogram knows the bound: how many were timed, how many in time."""
    found: dict[Kind, dict[str, int]] = defaultdict(dict)
    for name, labels, count in _samples(answer):
        if name != _REQUESTS:
            found[_kind(labels)][labels.get("le", "")] = count
    bound = str(SLOW_SECONDS)
    for kind, buckets in found.items():
        if bound in buckets and _ALL in buckets:
            yield kind, buckets[_ALL], buckets[bound]


def _samples(answer: bytes) -> Iterator[tuple[bytes, Mapping[str, str], int]]:
    for match in _SAMPLE.finditer(answer):
        labels = {name.decode(): value.decode() for name, value in _LABEL.findall(match[2])}
        yield match[1], labels, int(float(match[3]))


def _kind(labels: Mapping[str, str]) -> Kind:
    return labels.get("handler", ""), labels.get("method", "")
