"""Revisions: which template of the pods something was made by, and where an earlier one is kept.

In: a template as we intend it, or an object of the cluster. Out: the same template marked with the
digest of itself, or the revision that is read off. Pure. ReplicaSets are the history of revisions,
as they are for `kubectl rollout undo` (k8s.io/kubectl/pkg/polymorphichelpers/rollback.go): nothing
more is written, and what they hold is what pods were really made of.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from controllers.registry import child
from registry_operator.api.names import GROUP
from registry_operator.kube.object import Object
from registry_operator.runtime.intent import digest

ANNOTATION = f"{GROUP}/revision"
"""On the pods' template, so on ReplicaSets and pods too, and on the Deployment: which template."""
_LENGTH = 10
# Of the Deployment controller; each ReplicaSet has its own.
_HASH = "pod-template-hash"


def marked(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template with the digest of itself among its annotations."""
    metadata = template["metadata"]
    annotations = {**metadata.get("annotations", {}), ANNOTATION: digest(template)[:_LENGTH]}
    return {**template, "metadata": {**metadata, "annotations": annotations}}


def of_template(template: Mapping[str, Any]) -> str:
    """The revision that a marked template is; "" for one that bears no mark."""
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(ANNOTATION, ""))


def of(obj: Object | None) -> str:
    """The revision that a Deployment asks for, or that a pod was made by; "" when not told."""
    return obj.annotations.get(ANNOTATION, "") if obj is not None else ""


def held(deployment: Object, replica_sets: Sequence[Object], wanted: str) -> dict[str, Any] | None:
    """The template of a revision as the cluster keeps it; None where nobody has it any more.

    Of several ReplicaSets of one revision the oldest counts: others were made when somebody changed
    the Deployment by hand.
    """
    kept = [one for one in _oldest_first(replica_sets) if _template_revision(one) == wanted]
    source = next(iter(kept), None)
    if source is None and of(deployment) == wanted:
        source = deployment
    if source is None:
        return None
    template: dict[str, Any] = source.body()["spec"]["template"]
    template["metadata"] = {
        name: dict(template["metadata"].get(name) or {}) for name in ("labels", "annotations")
    }
    template["metadata"]["labels"].pop(_HASH, None)
    return template


def _oldest_first(replica_sets: Iterable[Object]) -> list[Object]:
    serving = (one for one in replica_sets if child.is_serving(one))
    return sorted(serving, key=_created)


def _created(obj: Object) -> str:
    created = obj.metadata.creation_timestamp
    return created.isoformat() if created else ""


def _template_revision(replica_set: Object) -> str:
    return of_template(replica_set.body()["spec"].get("template") or {})
