"""The ServiceAccount of the registry pods: an identity of their own, and no token."""

from typing import Any

from controllers.kinds import SERVICE_ACCOUNT
from controllers.registry import child, identity
from controllers.registry.inputs import RegistryInputs
from registry_operator.runtime.owned import Desired, OwnedKind


def desired(inputs: RegistryInputs) -> Desired:
    """One ServiceAccount without token, with the annotations of a cloud's identity if wanted."""
    metadata: dict[str, Any] = child.metadata(inputs.owner)
    annotations = identity.annotations(inputs.wanted)
    if annotations:
        metadata["annotations"] = dict(annotations)
    return ({"metadata": metadata, "automountServiceAccountToken": False},)


KIND = OwnedKind(name="service-account", resource=SERVICE_ACCOUNT, desired=desired)
