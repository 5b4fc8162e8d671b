"""Intents: the bodies that we apply, each sealed with the digest of its own content.

In: a body built from scratch (only the fields that we own). Out: the same body with one annotation
more. A child whose annotation equals the digest was last applied with this very intent, by us,
before or after a restart; nothing else need be remembered to know that no write is due.
"""

import copy
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

Body = Mapping[str, Any]


def digest(value: object) -> str:
    """A digest of any JSON value, independent of the order of its keys: 32 hexadecimal characters.

    Raises:
        TypeError: the value is not JSON.
    """
    packed = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return blake2b(packed, digest_size=16).hexdigest()


def seal(body: Body, *, annotation: str) -> dict[str, Any]:
    """A copy of the body that carries its own digest in the annotation."""
    sealed = dict(body)
    metadata = copy.copy(dict(sealed.get("metadata", {})))
    annotations = dict(metadata.get("annotations", {}))
    annotations[annotation] = digest(body)
    metadata["annotations"] = annotations
    sealed["metadata"] = metadata
    return sealed
