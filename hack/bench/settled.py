"""A world at rest: Registries with all children, ready pods and true statuses, without running.

In flows a recording of one Registry whose pods became ready; out flow the bytes of as many more
like it as are wanted. Each intent is sealed with a digest of its own, so that an operator that
starts on this world has nothing to write; that the benchmarks then see no write is also the proof
that the world is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from controllers.registry import revision
from hack.bench.recording import KEY, Recording
from registry_operator.api.names import ANNOTATION_INTENT
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.intent import seal

Body = dict[str, Any]
_UID = "00000000-0000-4000-8000-"
_UIDS = re.compile(_UID + "[0-9a-f]{12}")
_PER_NAMESPACE = 100


def keys(count: int) -> Iterator[ObjectKey]:
    """Keys of so many Registries, a hundred in each namespace."""
    for number in range(count):
        yield ObjectKey(f"team-{number // _PER_NAMESPACE}", f"images-{number}")


@dataclass(frozen=True, slots=True)
class Settled:
    """Everything that belongs to any Registry; see `settled`."""

    _objects: tuple[tuple[Resource, str], ...]
    _intents: tuple[Body, ...]
    _digests: tuple[str, ...]
    _uids: Mapping[str, int]

    @property
    def objects(self) -> int:
        """How many objects belong to one Registry, itself included."""
        return len(self._objects)

    def of(self, key: ObjectKey, number: int) -> Iterator[tuple[Resource, Body]]:
        """Registry `number`, which must be unlike all others, and what belongs to it."""

        def uid(found: re.Match[str]) -> str:
            return f"{_UID}{number:08x}{self._uids[found[0]]:04x}"

        def own(text: str) -> str:
            text = text.replace(KEY.namespace, key.namespace).replace(KEY.name, key.name)
            return _UIDS.sub(uid, text)

        digests = dict(
            _revisions(orjson.loads(own(orjson.dumps(i).decode())) for i in self._intents)
        )
        for intent, old in zip(self._intents, self._digests, strict=True):
            text = own(orjson.dumps(intent).decode())
            for before, after in tuple(digests.items()):
                text = text.replace(before, after)
            body = orjson.loads(text)
            digests[old] = _digest(seal(body, annotation=ANNOTATION_INTENT))
        for resource, recorded in self._objects:
            text = own(recorded)
            for old, new in digests.items():
                text = text.replace(old, new)
            yield resource, orjson.loads(text)


def settled(recording: Recording) -> Settled:
    """Any number of Registries like the recorded one. Raises ValueError if digests don't match."""
    intents = [_unsealed(one) for one in recording.writes if not one.path.endswith("/status")]
    objects = [(kind, orjson.dumps(body).decode()) for kind, body in recording.objects]
    uids = dict.fromkeys(uid for _, text in objects for uid in _UIDS.findall(text))

    return Settled(
        tuple(objects),
        tuple(body for body, _ in intents),
        tuple(digest for _, digest in intents),
        {uid: ordinal for ordinal, uid in enumerate(uids)},
    )


def _unsealed(request: Request) -> tuple[Body, str]:
    """An intent before it was sealed, and its digest; its annotations were empty or missing."""
    sealed = orjson.loads(request.body or b"")
    annotations = dict(sealed["metadata"]["annotations"])
    del annotations[ANNOTATION_INTENT]
    with_them = {**sealed, "metadata": {**sealed["metadata"], "annotations": annotations}}
    without = {**sealed, "metadata": {**sealed["metadata"]}}
    del without["metadata"]["annotations"]
    for body in (with_them, without):
        if _digest(seal(body, annotation=ANNOTATION_INTENT)) == _digest(sealed):
            return body, _digest(sealed)

    raise ValueError(f"{request.path}: not sealed as intents are")


def _revisions(intents: Iterable[Body]) -> Iterator[tuple[str, str]]:
    """The revision that each template bears, and the one that it is by what it says now."""
    for intent in intents:
        template = intent.get("spec", {}).get("template")
        before = revision.of_template(template) if isinstance(template, dict) else ""
        if before:
            del template["metadata"]["annotations"][revision.ANNOTATION]
            yield before, revision.of_template(revision.marked(template))


def _digest(sealed: Body) -> str:
    digest: str = sealed["metadata"]["annotations"][ANNOTATION_INTENT]
    return digest
