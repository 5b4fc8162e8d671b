"""The rights that the controllers need: the ClusterRole is generated from this, and tested by use.

In: the declarations of owned kinds. Out: (API groups, resources, verbs). Server-side apply of an
object that is not there yet needs `create` besides `patch`; `get` of a Registry is the look at the
server where a child of it is missing; `delete` only where something is ever deleted. Leases are
granted in the operator's own namespace (config/rbac), not here.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from controllers.kinds import (
    BUCKET,
    BUCKET_ACCESS,
    BUCKET_CLAIM,
    CONFIG_MAP,
    ENDPOINT_SLICE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    REGISTRY,
    REGISTRY_TEMPLATE,
    REPLICA_SET,
    SECRET,
)
from registry_operator.kube.resource import Resource
from registry_operator.runtime.owned import OwnedKind
from registry_operator.runtime.recorder import EVENTS

Rule = tuple[Sequence[str], Sequence[str], Sequence[str]]
_WATCH = ("list", "watch")


def rules(kinds: Iterable[OwnedKind[Any]]) -> Iterator[Rule]:
    """Every right, declared where it is used; the generator joins them."""
    for kind in kinds:
        verbs = [*_WATCH, "create", "patch"]
        if kind.may_prune is not None or not kind.outlives_owner:
            # Besides pruning: whoever puts back an owner reference must be allowed to delete the
            # child (admission plugin OwnerReferencesPermissionEnforcement, as on OpenShift).
            verbs.append("delete")
        yield _rule(kind.resource, verbs)
    yield _rule(REGISTRY, (*_WATCH, "get", "patch"))
    yield _rule(REGISTRY, ("patch",), subresource="status")
    yield _rule(REGISTRY_TEMPLATE, _WATCH)
    yield _rule(REGISTRY_TEMPLATE, ("patch",), subresource="status")
    # blockOwnerDeletion in an owner reference asks for the right to set the owner's finalizers
    # (admission plugin OwnerReferencesPermissionEnforcement).
    yield _rule(REGISTRY, ("update",), subresource="finalizers")
    for resource in (BUCKET_ACCESS, BUCKET_CLAIM, PERSISTENT_VOLUME_CLAIM):
        yield _rule(resource, ("delete",))
    # What COSI forgot of a claim is looked up on its Bucket, and said in its stead.
    yield _rule(BUCKET, ("get",))
    yield _rule(BUCKET_CLAIM, ("patch",), subresource="status")
    for resource in (REPLICA_SET, POD, ENDPOINT_SLICE):
        yield _rule(resource, _WATCH)
    for resource in (SECRET, CONFIG_MAP, PERSISTENT_VOLUME_CLAIM):
        yield _rule(resource, (*_WATCH, "get"))
    yield _rule(EVENTS, ("create", "patch", "get"))


def _rule(resource: Resource, verbs: Sequence[str], *, subresource: str = "") -> Rule:
    name = f"{resource.plural}/{subresource}" if subresource else resource.plural
    return ((resource.group,), (name,), verbs)
