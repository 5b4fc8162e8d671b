"""The Secret with `http.secret`: made once and never again, shared by all pods of a Registry.

Uploads in progress are signed with it, so pods that differ in it refuse each other's uploads. Pods
read it by reference; the operator never puts it into a configuration.
"""

from typing import TYPE_CHECKING

from controllers.kinds import SECRET
from controllers.registry import child
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.owned import Desired, OwnedKind

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

DATA_KEY = "http-secret"
_SUFFIX = "http-secret"


def secret_key(owner: Object) -> ObjectKey:
    """The key of the Secret."""
    return child.key(owner, _SUFFIX)


def desired(inputs: "RegistryInputs") -> Desired:
    """The Secret with a fresh random value: written only when there is none."""
    return (
        {
            "metadata": child.metadata(inputs.owner, _SUFFIX),
            "type": "Opaque",
            "immutable": True,
            "data": {DATA_KEY: child.encoded(inputs.random_secret())},
        },
    )


KIND = OwnedKind(name="http-secret", resource=SECRET, desired=desired, create_only=True)
