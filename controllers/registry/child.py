"""Names of a Registry's children, whose they are, and how text gets into Secrets and out of them.

Deterministic, so that a crash between two writes, or a Registry of the same name made anew, finds
the same objects again. Labels are in registry_operator.api.names.
"""

import base64
from collections.abc import Mapping
from typing import Any

from registry_operator.api.names import (
    CANARY,
    LABEL_COMPONENT,
    LABEL_REGISTRY,
    SERVING,
    VERSION_PROBE,
)
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey


def name(owner: Object, suffix: str = "") -> str:
    """The name of the child `<owner>` or `<owner>-<suffix>`."""
    return f"{owner.name}-{suffix}" if suffix else owner.name


def key(owner: Object, suffix: str = "") -> ObjectKey:
    """The key of the child `<owner>` or `<owner>-<suffix>`."""
    return ObjectKey(owner.namespace, name(owner, suffix))


def metadata(owner: Object, suffix: str = "") -> dict[str, Any]:
    """`metadata` of such a child; the engine adds labels and owner reference."""
    return {"namespace": owner.namespace, "name": name(owner, suffix)}


def encoded(text: str) -> str:
    """A text as a value of a Secret's `data`.

    `stringData` would be shorter, but the server never shows it again, so that nobody could tell
    whether the Secret still holds it.
    """
    return base64.b64encode(text.encode()).decode()


def decoded(secret: Object) -> Mapping[str, str]:
    """The data of a Secret as text; values that are no UTF-8 are left out."""
    texts = {}
    for key, value in (secret.body().get("data") or {}).items():
        try:
            texts[key] = base64.b64decode(value).decode()
        except UnicodeDecodeError:
            continue
    return texts


def owner_key(child: Object) -> tuple[ObjectKey, ...]:
    """The Registry that a child or a pod belongs to, by its label; empty for others."""
    owner = child.labels.get(LABEL_REGISTRY)
    return (ObjectKey(child.namespace, owner),) if owner else ()


def is_serving(obj: Object) -> bool:
    """Whether a pod or a ReplicaSet is one of those that clients are sent to."""
    return obj.labels.get(LABEL_COMPONENT, SERVING) == SERVING


def is_canary(pod: Object) -> bool:
    """Whether a pod tries a change, and serves nobody."""
    return pod.labels.get(LABEL_COMPONENT) == CANARY


def is_version_probe(pod: Object) -> bool:
    """Whether a pod only asks an image for its release, and serves nobody."""
    return pod.labels.get(LABEL_COMPONENT) == VERSION_PROBE


def asked_for(pod: Object) -> tuple[ObjectKey, ...]:
    """The Registry that a pod asks an image for; empty for all other pods."""
    return owner_key(pod) if is_version_probe(pod) else ()
