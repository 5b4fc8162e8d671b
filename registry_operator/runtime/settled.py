"""What is known of each child since our last write or look: which intent it met, in whose words.

In: sealed intents and observed children. Out: whether a child is as intended. Why a memory: the
server rewrites what it is sent (quantities, defaults, empty values), so its words of now are
compared with its words of then, which is exact; our words are compared with the server's only where
there is no memory, as after a restart (diff.py). A child that was judged at its present
resourceVersion is not decoded again.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.diff import differences, projection
from registry_operator.runtime.intent import digest


class _Known(msgspec.Struct, frozen=True, gc=False):
    """`words` is the digest of what the server answered where `intent` spoke; "" if never asked.

    At `version` the child was as intended.
    """

    intent: str
    words: str
    version: str


class Settled:
    """The children of one kind, known by key; `annotation` holds the digest of an intent."""

    def __init__(self, annotation: str) -> None:
        self._annotation = annotation
        self._known: dict[ObjectKey, _Known] = {}

    def __len__(self) -> int:
        return len(self._known)

    def met(self, mark: str, key: ObjectKey) -> bool:
        """Whether the child is known to have met the intent of this digest."""
        known = self._known.get(key)
        return known is not None and known.intent == mark

    def holds(self, mark: str, intent: Mapping[str, Any], observed: Object) -> bool:
        """Whether the child carries the intent of this digest and none of its fields drifted."""
        key, version = observed.key, observed.resource_version
        known = self._known.get(key)
        if known is not None and known.version == version and version:
            return known.intent == mark
        if observed.annotations.get(self._annotation) != mark:
            return False
        words = known.words if known is not None and known.intent == mark else ""
        if words:
            drifted = words != digest(projection(intent, observed.body()))
        else:
            drifted = bool(differences(intent, observed.body()))
        if not drifted:
            self._known[key] = _Known(mark, words, version)
        return not drifted

    def wrote(self, mark: str, intent: Mapping[str, Any], written: Object) -> None:
        """The server's answer to a write of the intent."""
        words = digest(projection(intent, written.body()))
        self._known[written.key] = _Known(mark, words, written.resource_version)

    def forget(self, key: ObjectKey) -> bool:
        """Drops a child that is gone; whether it was known."""
        return self._known.pop(key, None) is not None
