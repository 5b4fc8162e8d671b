"""The ServiceAccount of the registry pods: an identity of their own, and no token."""

from controllers.kinds import SERVICE_ACCOUNT
from controllers.registry import child
from controllers.registry.inputs import RegistryInputs
from registry_operator.runtime.owned import Desired, OwnedKind


def desired(inputs: RegistryInputs) -> Desired:
    """One ServiceAccount without token."""
    return ({"metadata": child.metadata(inputs.owner), "automountServiceAccountToken": False},)


KIND = OwnedKind(name="service-account", resource=SERVICE_ACCOUNT, desired=desired)
