"""The Deployment of the registry pods, and that of a canary while there is one.

In: the plan of the upgrade. Out: bodies; what is remembered of a change is written in the same body
that acts on it.
"""

from collections.abc import Mapping
from typing import Any

from controllers.kinds import DEPLOYMENT
from controllers.registry import (
    canary,
    child,
    failure,
    moving,
    observed,
    origin,
    releases,
    revision,
    scaling,
    sharing,
    volume,
)
from controllers.registry.inputs import RegistryInputs
from controllers.registry.upgrade_plan import HEALTHY, Plan
from registry_operator.api.names import selector_labels
from registry_operator.kube.object import Object
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.runtime.owned import Desired, OwnedKind

_MARKS = (moving.ANNOTATION, moving.CLAIM, sharing.ANNOTATION)
# Long enough for a pod to be tried before the next one is replaced.
_READY_FOR_SECONDS = 5


def desired(inputs: RegistryInputs) -> Desired:
    """One Deployment, once everything that its pods refer to exists; two while a canary tries."""
    plan = inputs.upgrade
    if isinstance(plan, (Blocked, Stalled)):
        return plan
    autoscaled = scaling.waiting_for(inputs)
    if autoscaled is not None:
        return autoscaled
    tries = [canary.body(inputs, plan.wanted, shared=plan.counts_for)] if plan.tries else []
    if tries and _is_left_alone(inputs, plan):
        return tries
    return [_body(inputs, plan), *tries]


def may_prune(inputs: RegistryInputs, deployment: Object) -> bool:
    """Whether a Deployment that is not desired was only there to try a change."""
    return deployment.key == canary.key(inputs.owner)


def _is_left_alone(inputs: RegistryInputs, plan: Plan) -> bool:
    """Whether the pods' own Deployment has nothing to hear while a canary tries."""
    found = inputs.children.deployment
    if found is None or sharing.LEFT in found.annotations:
        return False
    is_kept = revision.of_template(plan.template) == revision.of(found)
    says = _replicas(inputs, plan).get("replicas")
    has_heard = found.annotations.get(scaling.ANNOTATION) == scaling.mark(inputs)
    counts = found.annotations.get(origin.CHANGES, "") in {"", plan.counts_for}
    return is_kept and has_heard and counts and says in {None, scaling.asked_of(found)}


def _body(inputs: RegistryInputs, plan: Plan) -> dict[str, Any]:
    spec = {
        **_replicas(inputs, plan),
        "revisionHistoryLimit": 5,
        "progressDeadlineSeconds": inputs.wanted.upgrade.progress_deadline_seconds,
        "strategy": _strategy(inputs),
        "selector": {"matchLabels": dict(selector_labels(inputs.owner.name))},
        "template": plan.template,
    }
    if plan.healthy not in {"", revision.of_template(plan.template)}:
        spec["minReadySeconds"] = _READY_FOR_SECONDS
    if plan.stops:
        spec["paused"] = True
    return {"metadata": _metadata(inputs, plan), "spec": spec}


def _replicas(inputs: RegistryInputs, plan: Plan) -> dict[str, int]:
    """As wanted; but pods that keep another storage for now may not be able to share it."""
    deployment = inputs.children.deployment
    if plan.is_held and deployment is not None:
        used = deployment.annotations.get(moving.ANNOTATION)
        if used != moving.mark(inputs.owner, inputs.wanted.storage):
            return {"replicas": scaling.asked_of(deployment)}
    return scaling.said(inputs)


def _strategy(inputs: RegistryInputs) -> dict[str, Any]:
    """New pods before old ones end, but where two must never be on one volume."""
    if volume.has_one_writer(inputs.wanted.storage):
        return {"type": "Recreate"}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def _metadata(inputs: RegistryInputs, plan: Plan) -> dict[str, Any]:
    """With what later decisions look at: where images are, of which release, what is healthy."""
    found = inputs.children.deployment
    told = _marks(inputs, plan)
    all_new = (
        found is not None
        and sharing.LEFT in found.annotations
        and observed.has_only_new(found, inputs.children.pods)
    )
    told |= {
        sharing.LEFT: sharing.left(found, told[sharing.ANNOTATION], all_new=all_new),
        scaling.ANNOTATION: scaling.mark(inputs),
        releases.ANNOTATION: releases.annotation(inputs),
        revision.ANNOTATION: revision.of_template(plan.template),
        origin.ANNOTATION: _made_of(inputs, plan),
        origin.CHANGES: plan.counts_for,
        HEALTHY: plan.healthy,
        failure.ANNOTATION: plan.failure.text() if plan.failure is not None else None,
    }
    annotations = {name: value for name, value in told.items() if value}
    return {**child.metadata(inputs.owner), "annotations": annotations}


def _made_of(inputs: RegistryInputs, plan: Plan) -> str | None:
    """What a Registry and its template say of the pods; of what is kept, what they said then."""
    deployment = inputs.children.deployment
    if plan.is_held and deployment is not None and inputs.origin is not None:
        return deployment.annotations.get(origin.ANNOTATION)
    return inputs.origin.text() if inputs.origin is not None else None


def _marks(inputs: RegistryInputs, plan: Plan) -> dict[str, str | None]:
    """Where the pods of the template keep images."""
    deployment = inputs.children.deployment
    if plan.is_held and deployment is not None:
        held: Mapping[str, str] = deployment.annotations
        return {name: held.get(name) for name in _MARKS}
    storage = inputs.wanted.storage
    return {
        moving.ANNOTATION: moving.mark(inputs.owner, storage),
        moving.CLAIM: storage.bucket_claim_name if storage is not None else None,
        sharing.ANNOTATION: sharing.written(inputs),
    }


KIND = OwnedKind(name="deployment", resource=DEPLOYMENT, desired=desired, may_prune=may_prune)
