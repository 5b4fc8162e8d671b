"""PersistentVolumeClaims: kept while they may be in use, and as they were made, but for their size.

In flow claims that are about to be stored, and StorageClasses; out flow the same claims under
protection, causes, or a Forbidden where a class does not let a volume grow. Who binds a claim,
makes its volume larger or takes the protection away is none of the server's business
(k8s.io/kubernetes/pkg/apis/core/validation, plugin/pkg/admission/storage).
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from registry_operator.kube.errors import Cause
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.quantity import parse_quantity
from registry_operator.testing.fake_api.kinds.rules import at
from registry_operator.testing.fake_api.refusals import not_resizable
from registry_operator.testing.fake_api.schema.model import Body
from registry_operator.testing.fake_api.storage import Storage

CLAIMS: Final = Resource("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
CLASSES: Final = Resource(
    "storage.k8s.io", "v1", "StorageClass", "storageclasses", namespaced=False
)
PROTECTION: Final = "kubernetes.io/pvc-protection"

_SIZE: Final = "spec.resources.requests.storage"
_FIXED: Final = (
    "Forbidden: spec is immutable after creation except resources.requests and"
    " volumeAttributesClassName for bound claims"
)


def complete_claim(new: Body, _old: Body | None) -> Iterator[Cause]:
    """Refuse a claim that does not say how it is mounted, or how large it is."""
    if not at(new, "spec.accessModes"):
        message = "Required value: at least 1 access mode is required"
        yield Cause("FieldValueRequired", message, "spec.accessModes")
    if at(new, _SIZE) is None:
        yield Cause("FieldValueRequired", "Required value", "spec.resources[storage]")


def lasting_claim(new: Body, old: Body | None) -> Iterator[Cause]:
    """Refuse another claim than the one that was made: one that is bound may grow, no more."""
    if old is None:
        return
    before, after = old["spec"], new["spec"]
    is_bound = at(new, "status.phase") == "Bound"
    free = {"volumeAttributesClassName"} if is_bound else set()
    free |= {name for name in ("volumeName", "storageClassName") if name not in before}
    if _fixed(before, free, sized=is_bound) != _fixed(after, free, sized=is_bound):
        yield Cause("FieldValueForbidden", _FIXED, "spec")
    has = parse_quantity(at(old, "status.capacity.storage") or 0)
    if _size(new) < _size(old) and _size(new) <= has:
        message = "Forbidden: field can not be less than status.capacity"
        yield Cause("FieldValueForbidden", message, _SIZE)
    mode = after.get("volumeMode")
    if mode != before.get("volumeMode"):
        message = f'Invalid value: "{mode}": field is immutable'
        yield Cause("FieldValueInvalid", message, "volumeMode")


def protected(resource: Resource, body: Body) -> Body:
    """Return a new claim with the finalizer that keeps it while pods use it; others as they are.

    It belongs to no field manager, so that no apply takes it away.
    """
    metadata = body["metadata"]
    finalizers = metadata.get("finalizers") or []
    if resource != CLAIMS or PROTECTION in finalizers:
        return body
    return body | {"metadata": metadata | {"finalizers": [*finalizers, PROTECTION]}}


def check_growth(storage: Storage, resource: Resource, new: Body, old: Body) -> None:
    """Raise Forbidden where a claim asks for more than its class lets it have."""
    if resource != CLAIMS or _size(new) <= _size(old):
        return
    names = {at(body, "spec.storageClassName") or "" for body in (new, old)}
    classes = [storage.find(CLASSES, ObjectKey("", name)) for name in names if len(names) == 1]
    if not any(known is not None and known.get("allowVolumeExpansion") for known in classes):
        raise not_resizable(resource, new["metadata"]["name"])


def _fixed(spec: Body, free: set[str], *, sized: bool) -> Body:
    """What a claim must keep of its specification; `sized`: but for its size."""
    kept = {name: value for name, value in spec.items() if name not in free}
    resources: Body = kept.get("resources") or {}
    if not sized or not resources.get("requests"):
        return kept
    requests = {name: value for name, value in resources["requests"].items() if name != "storage"}
    return kept | {"resources": resources | {"requests": requests}}


def _size(claim: Body) -> Decimal:
    size: Any = at(claim, _SIZE)
    return parse_quantity(size or 0)
