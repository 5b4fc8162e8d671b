"""A PersistentVolumeClaim as its provisioner reads it: whom it asks, what for, and what it has.

In flows a claim's body; out flow answers, for claims in any state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Body = Mapping[str, Any]
# Set by kube-controller-manager, once no volume that is there will do.
ASKS = "volume.kubernetes.io/storage-provisioner"
# Set by the scheduler, where the class waits for the first consumer.
NODE = "volume.kubernetes.io/selected-node"


@dataclass(frozen=True, slots=True)
class Claim:
    """The claim of `body`."""

    body: Body

    @property
    def uid(self) -> str:
        """Its uid."""
        return str(self.body["metadata"]["uid"])

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.body["metadata"]["namespace"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.body["metadata"]["name"])

    @property
    def volume_name(self) -> str:
        """The name of a volume that is made for it: whoever makes it again makes the same."""
        return f"pvc-{self.uid}"

    @property
    def bound_to(self) -> str:
        """The volume that it is bound to; empty when to none."""
        is_bound = self._status.get("phase") == "Bound"

        return str(self.spec["volumeName"]) if is_bound else ""

    @property
    def is_open(self) -> bool:
        """Whether it waits for a volume, and names none itself."""
        is_pending = self._status.get("phase") == "Pending"
        is_leaving = "deletionTimestamp" in self.body["metadata"]

        return is_pending and not is_leaving and not self.spec.get("volumeName")

    @property
    def asks(self) -> str:
        """The provisioner that it asks for a volume; empty while it asks none."""
        return str(self._annotations.get(ASKS, ""))

    @property
    def node(self) -> str:
        """The node of its first consumer; empty while there is none."""
        return str(self._annotations.get(NODE, ""))

    @property
    def class_name(self) -> str:
        """The class that it names."""
        return str(self.spec.get("storageClassName", ""))

    @property
    def wanted(self) -> str:
        """How much it wants."""
        return str(self.spec["resources"]["requests"]["storage"])

    @property
    def has(self) -> str:
        """How much it has; empty before it is bound."""
        return str(self._status.get("capacity", {}).get("storage", ""))

    @property
    def spec(self) -> Body:
        """Its specification."""
        spec: Body = self.body["spec"]

        return spec

    @property
    def _annotations(self) -> Body:
        annotations: Body = self.body["metadata"].get("annotations", {})

        return annotations

    @property
    def _status(self) -> Body:
        status: Body = self.body.get("status", {})

        return status

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"
