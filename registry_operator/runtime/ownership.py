"""Whose object is it: owner references made and judged.

In: an owner and an object found under the name that we want. Out: the controller reference to set,
or a verdict. A child carries a controller reference to its owner; a child that must outlive its
owner (it holds data) carries none and is known by the labels alone. Rules: controllerutil
`SetControllerReference` of controller-runtime (group, kind and name identify an owner, the version
does not), apimachinery `metav1.IsControlledBy` (by uid).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from registry_operator.kube.object import Object
from registry_operator.kube.resource import Resource
from registry_operator.runtime.intent import Body, seal


class Claim(Enum):
    """What an object found under a wanted name is to the owner."""

    OURS = "ours"
    ORPHAN = "orphan"  # carries our labels and no controller: adopted
    PREDECESSOR = (
        "predecessor"  # belongs to a deleted owner of the same name: about to be collected
    )
    FOREIGN = "foreign"


@dataclass(frozen=True)
class Identity:
    """How an operator marks what it owns: the owners' kind, the labels, the digest annotation."""

    owner: Resource
    labels: Callable[[Object], Mapping[str, str]]
    annotation: str

    def mark(
        self, body: Body, *, resource: Resource, owner: Object, outlives_owner: bool
    ) -> dict[str, Any]:
        """The intent: a body of kind `resource` with type and marks of ownership, sealed."""
        metadata = dict(body["metadata"])
        metadata["labels"] = {**metadata.get("labels", {}), **self.labels(owner)}
        if not outlives_owner:
            metadata["ownerReferences"] = [controller_reference(self.owner, owner)]
        marked = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            **body,
            "metadata": metadata,
        }
        return seal(marked, annotation=self.annotation)

    def mark_of(self, intent: Body) -> str:
        """The digest in the annotation of an intent."""
        mark: str = intent["metadata"]["annotations"][self.annotation]
        return mark

    def judge(self, found: Object, *, owner: Object) -> Claim:
        """What `found` is to `owner`."""
        return judge(found, owner=owner, resource=self.owner, labels=self.labels(owner))


def controller_reference(resource: Resource, owner: Object) -> dict[str, Any]:
    """The `metadata.ownerReferences` entry that makes `owner` the controller of a child."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def judge(found: Object, *, owner: Object, resource: Resource, labels: Mapping[str, str]) -> Claim:
    """What `found` is to `owner`, a custom resource of kind `resource`.

    `labels` are those that every child of this owner carries.
    """
    controller = found.controller()
    if controller is None:
        marked = all(found.labels.get(name) == value for name, value in labels.items())
        return Claim.ORPHAN if marked else Claim.FOREIGN
    if controller.uid == owner.uid:
        return Claim.OURS
    group = controller.api_version.rpartition("/")[0]
    same_owner = (group, controller.kind, controller.name) == (
        resource.group,
        resource.kind,
        owner.name,
    )
    return Claim.PREDECESSOR if same_owner else Claim.FOREIGN


def describe(found: Object) -> str:
    """Who holds a foreign object, for a message to the user."""
    controller = found.controller()
    if controller is None:
        return "not created by this operator"
    return f"controlled by {controller.kind} {controller.name}"


def by_owner_label(label: str) -> Callable[[Object], Iterable[str]]:
    """An index function: children by `namespace/owner`, the owner's name being in a label."""

    def owner(child: Object) -> Iterable[str]:
        name = child.labels.get(label)
        return (f"{child.namespace}/{name}",) if name else ()

    return owner
