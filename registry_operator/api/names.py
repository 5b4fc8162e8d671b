"""The words that our objects are found by: API group, label and annotation keys.

Constants flow out, into the CRDs, the children's metadata and the caches' selectors. They are part
of the API: a key that changes here orphans what an older operator made.

Keys under app.kubernetes.io follow
https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

GROUP: Final = "registry-operator.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
CATEGORY: Final = "registry-operator"
"""`kubectl get registry-operator` lists every kind of ours."""

SERVING: Final = "registry"
CANARY: Final = "canary"
"""Values of LABEL_COMPONENT: pods that clients are sent to, and one that is tried first."""

OPERATOR: Final = "registry-operator"
"""Our name as `app.kubernetes.io/managed-by` and as prefix of field managers."""

LABEL_NAME: Final = "app.kubernetes.io/name"
LABEL_INSTANCE: Final = "app.kubernetes.io/instance"
LABEL_COMPONENT: Final = "app.kubernetes.io/component"
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LABEL_VERSION: Final = "app.kubernetes.io/version"
LABEL_REGISTRY: Final = f"{GROUP}/registry"
"""On every child: the name of the Registry that owns it."""

VERSION_PROBE: Final = "version-probe"
"""The value of LABEL_COMPONENT on pods that only ask an image for its release."""

ANNOTATION_INTENT: Final = f"{GROUP}/intent"
"""On every child: the digest of what we last applied."""

RESERVED_LABELS: Final = (
    LABEL_NAME,
    LABEL_INSTANCE,
    LABEL_COMPONENT,
    LABEL_MANAGED_BY,
    LABEL_REGISTRY,
)
"""Label keys of pods that selectors rely on: `spec.podTemplate` cannot set them."""

NAME_LIMIT: Final = 52
"""Characters in a Registry's name: leaves 11 of a DNS label's 63 for its children's suffixes."""


def selector_labels(instance: str) -> Mapping[str, str]:
    """The labels that select the pods of the Registry named `instance`; they never change."""
    return MappingProxyType(
        {LABEL_NAME: "registry", LABEL_INSTANCE: instance, LABEL_COMPONENT: SERVING}
    )


def child_labels(instance: str) -> Mapping[str, str]:
    """The labels of every object that we make for the Registry named `instance`."""
    return MappingProxyType(
        {
            **selector_labels(instance),
            LABEL_MANAGED_BY: OPERATOR,
            LABEL_REGISTRY: instance,
        }
    )
