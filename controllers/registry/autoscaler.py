"""The HorizontalPodAutoscaler of the registry pods.

In: the snapshot. Out: one autoscaler of the Deployment where one is asked for and its pods may be
several, else none. Pure. It looks at what runs too: a Deployment on a volume with one writer must
not be scaled while the storage that is asked for instead is refused.
"""

from typing import Any, Final

from controllers.kinds import AUTOSCALER, DEPLOYMENT
from controllers.registry import child, scaling, volume
from controllers.registry.inputs import RegistryInputs
from controllers.registry.pod_basics import CONTAINER
from registry_operator.api.availability import Autoscaling
from registry_operator.kube.object import Object
from registry_operator.runtime.owned import Desired, OwnedKind

_CPU_PERCENT: Final = 80


def desired(inputs: RegistryInputs) -> Desired:
    """One autoscaler, or none."""
    wanted, deployment = inputs.wanted, inputs.children.deployment
    asked = wanted.autoscaling
    if asked is None or deployment is None or not may_scale(inputs):
        return ()
    spec: dict[str, Any] = {
        "scaleTargetRef": {
            "apiVersion": DEPLOYMENT.api_version,
            "kind": DEPLOYMENT.kind,
            "name": deployment.name,
        },
        "minReplicas": asked.min_replicas,
        "maxReplicas": asked.max_replicas,
        "metrics": _metrics(asked),
    }
    if asked.behavior is not None:
        spec["behavior"] = asked.behavior.wire()
    return ({"metadata": child.metadata(inputs.owner), "spec": spec},)


def may_scale(inputs: RegistryInputs) -> bool:
    """Whether an autoscaler is asked for, of pods that may be several, now and as wanted."""
    wanted, deployment = inputs.wanted, inputs.children.deployment
    if not scaling.is_autoscaled(wanted) or volume.too_many(wanted) is not None:
        return False
    return deployment is None or not scaling.has_one_pod(deployment)


def may_prune(_inputs: RegistryInputs, _autoscaler: Object) -> bool:
    """An autoscaler that is no longer desired goes: it would go on scaling."""
    return True


def _metrics(asked: Autoscaling) -> list[dict[str, Any]]:
    targets = {
        "cpu": asked.target_cpu_utilization_percentage,
        "memory": asked.target_memory_utilization_percentage,
    }
    measured = [_utilization(name, percent) for name, percent in targets.items() if percent]
    return [*measured, *(asked.metrics or ())] or [_utilization("cpu", _CPU_PERCENT)]


def _utilization(resource: str, percent: int) -> dict[str, Any]:
    """Of our container alone: sidecars that others add often request nothing."""
    target = {"type": "Utilization", "averageUtilization": percent}
    measured = {"name": resource, "container": CONTAINER, "target": target}
    return {"type": "ContainerResource", "containerResource": measured}


KIND = OwnedKind(name="autoscaler", resource=AUTOSCALER, desired=desired, may_prune=may_prune)
