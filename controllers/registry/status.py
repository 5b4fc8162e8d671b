"""The conditions of a Registry: judged from one snapshot and the outcomes of all reconcilers.

Pure. Each function below answers for one concern; `conditions` puts them together and sums them up
in Ready, Reconciling and Stalled the way kstatus reads them. Reasons come from reasons.py alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from controllers.registry import (
    availability_condition,
    configuration_condition,
    observed,
    scaling,
    served_condition,
    storage_condition,
    template_condition,
    upgrade_condition,
)
from controllers.registry.inputs import RegistryInputs
from controllers.registry.pods import Trouble, find_trouble
from controllers.registry.reasons import Gravity, gravity_of, stalls
from registry_operator.kube.object import Object
from registry_operator.runtime.conditions import Condition, Status
from registry_operator.runtime.outcome import Blocked, Done, Outcome, Stalled
from registry_operator.runtime.outcomes import Recorded

_STORAGE_KINDS = ("bucket-mender", "finalizer", "bucket-claim", "bucket-access", "volume-claim")


@dataclass(frozen=True)
class View:
    """What the conditions are judged from."""

    inputs: RegistryInputs
    outcomes: Mapping[str, Recorded]

    @cached_property
    def ready_endpoints(self) -> int:
        """How many addresses serve behind the Service."""
        return observed.ready_endpoints(self.inputs.children.endpoint_slices)

    @cached_property
    def pod_trouble(self) -> Trouble | None:
        """The first thing that is wrong with the pods that serve, or with one that only tries."""
        children, health = self.inputs.children, self.inputs.told_health
        return find_trouble(children.pods, children.deployment, health) or find_trouble(
            children.canary_pods, children.canary, health
        )

    def trouble(self, *reconcilers: str) -> Trouble | None:
        """Why the first of these reconcilers could not do its work; None when all could.

        One that only waits, often for another of them, comes after those that met trouble.
        """
        recorded = [self.outcomes[name] for name in reconcilers if name in self.outcomes]
        told = [trouble for one in recorded if (trouble := _as_trouble(one.outcome))]
        grave = [trouble for trouble in told if gravity_of(trouble.reason) is not Gravity.WAIT]
        return next(iter((*grave, *told)), None)


def _as_trouble(outcome: Outcome) -> Trouble | None:
    if isinstance(outcome, Done) or outcome.reason in {"", "Paused"}:
        return None
    return Trouble(outcome.reason, outcome.message)


def conditions(inputs: RegistryInputs, outcomes: Mapping[str, Recorded]) -> list[Condition]:
    """All conditions, Ready first; those that exist only while true are left out otherwise."""
    if inputs.owner.is_deleting:
        return _terminating(inputs, outcomes)
    view = View(inputs, outcomes)
    if inputs.refusal is not None:
        return _refused(view, inputs.refusal)
    storage = storage_condition.told(
        inputs,
        written=view.trouble(*_STORAGE_KINDS),
        pods=view.pod_trouble,
        serves=view.ready_endpoints > 0,
    )
    configuration = configuration_condition.told(
        inputs, written=view.trouble("configuration", "http-secret")
    )
    concerns = [_available(view), storage, configuration, _service(view)]
    progressing = _progressing(view)
    ready = _ready(view, concerns, progressing)
    told = [ready, *concerns, progressing]
    if inputs.wanted.paused:
        told.append(_true(inputs, "Paused", "Paused", "spec.paused holds back all changes"))
    elif ready.status != "True":
        summary = "Stalled" if stalls(ready.reason) else "Reconciling"
        told.append(_true(inputs, summary, ready.reason, ready.message))
    return [*told, *availability_condition.told(inputs), *template_condition.told(inputs)]


def _available(view: View) -> Condition:
    inputs = view.inputs
    wanted = scaling.count(inputs)
    unserved = served_condition.trouble(inputs)
    if view.ready_endpoints and unserved is not None:
        return _false(inputs, "Available", unserved)
    if view.ready_endpoints:
        message = f"{view.ready_endpoints} pods serve, {wanted} wanted"
        return _true(inputs, "Available", "Serving", message)
    if wanted == 0:
        return _false(inputs, "Available", Trouble("ScaledToZero", _off(inputs)))
    trouble = view.trouble("deployment") or view.pod_trouble
    if trouble is None:
        unready = observed.running(inputs.children.pods)
        trouble = (
            Trouble("PodsNotReady", f"{unready} pods run, none is ready yet")
            if unready
            else Trouble("PodsStarting", "no pod runs yet")
        )
    return _false(inputs, "Available", trouble)


def _off(inputs: RegistryInputs) -> str:
    """Who turned the registry off."""
    autoscaled = scaling.is_autoscaled(inputs.wanted)
    return "the Deployment was scaled to 0" if autoscaled else "spec.replicas is 0"


def _service(view: View) -> Condition:
    inputs = view.inputs
    trouble = view.trouble("service")
    if trouble is not None:
        return _false(inputs, "ServiceAvailable", trouble)
    service = inputs.children.service
    if service is None:
        trouble = Trouble("ServicePending", "the Service is being created")
        return _false(inputs, "ServiceAvailable", trouble)
    if inputs.wanted.service.type == "LoadBalancer" and not observed.has_ingress(service):
        trouble = Trouble("LoadBalancerPending", "the load balancer has no address yet")
        return _false(inputs, "ServiceAvailable", trouble)
    message = f"Service {service.name} has port {inputs.wanted.service.port}"
    return _true(inputs, "ServiceAvailable", "ServiceReady", message)


def _progressing(view: View) -> Condition:
    inputs = view.inputs
    deployment = inputs.children.deployment
    if deployment is None:
        return _false(inputs, "Progressing", Trouble("NotStarted", "there is no Deployment yet"))
    change = upgrade_condition.told(inputs)
    if change is not None:
        is_made = gravity_of(change.reason) is Gravity.WAIT
        turned = _true(inputs, "Progressing", change.reason, change.message)
        return turned if is_made else _false(inputs, "Progressing", change)
    roll = observed.rollout(deployment, inputs.children.pods)
    if roll.complete and _is_changed(inputs, deployment):
        message = "the Deployment was changed by somebody else, and is being put right"
        return _true(inputs, "Progressing", "RollingOut", message)
    if roll.complete:
        return _false(inputs, "Progressing", Trouble("RolledOut", roll.message))
    if roll.deadline_exceeded:
        return _false(inputs, "Progressing", Trouble("DeadlineExceeded", roll.message))
    return _true(inputs, "Progressing", "RollingOut", roll.message)


def _is_changed(inputs: RegistryInputs, deployment: Object) -> bool:
    """Whether a Deployment that is ours to keep asks for something else than is wanted."""
    plan = inputs.configuration
    if inputs.hold is not None or isinstance(plan, (Blocked, Stalled)):
        return False
    wanted = inputs.wanted
    return not observed.runs(
        deployment,
        replicas=scaling.count(inputs),
        image=wanted.image,
        configuration_name=plan.secret_name,
    )


def _ready(view: View, concerns: Sequence[Condition], progressing: Condition) -> Condition:
    inputs = view.inputs
    if inputs.wanted.paused and view.ready_endpoints:
        return _true(
            inputs, "Ready", "Paused", "the registry serves; spec.paused holds back changes"
        )
    blamed = _first_cause(view, concerns)
    if blamed is not None:
        return _condition(inputs, "Ready", "False", blamed.reason, blamed.message)
    if progressing.status == "True" or progressing.reason != "RolledOut":
        trouble = Trouble(progressing.reason, progressing.message)
        if not stalls(progressing.reason):
            trouble = view.pod_trouble or trouble
        return _false(inputs, "Ready", trouble)
    refused = availability_condition.refusal(inputs.wanted)
    if refused is not None:
        return _false(inputs, "Ready", refused)
    if scaling.count(inputs) == 0:
        message = f"{_off(inputs)}: nothing serves, as asked"
        return _true(inputs, "Ready", "ScaledToZero", message)
    return _true(inputs, "Ready", "Ready", concerns[0].message)


def _first_cause(view: View, concerns: Sequence[Condition]) -> Trouble | None:
    """The cause nearest to the user: a specification, then storage, writes, the Service, pods."""
    available, storage, configuration, service = concerns
    for condition in (configuration, storage):
        if condition.status == "False":
            return Trouble(condition.reason, condition.message)
    written = view.trouble(*sorted(view.outcomes))
    if written is not None:
        return written
    for condition in (service, available):
        if condition.status == "False" and condition.reason != "ScaledToZero":
            return Trouble(condition.reason, condition.message)
    return None


def _terminating(inputs: RegistryInputs, outcomes: Mapping[str, Recorded]) -> list[Condition]:
    recorded = outcomes.get("finalizer")
    waiting = recorded and _as_trouble(recorded.outcome)
    message = waiting.message if waiting else "the Registry is being deleted"
    return [
        _condition(inputs, "Ready", "False", "Terminating", message),
        _true(inputs, "Reconciling", "Terminating", message),
    ]


def _refused(view: View, refusal: Blocked | Stalled) -> list[Condition]:
    """Nothing is written, as there is no spec that holds; what was written before may serve."""
    inputs, trouble = view.inputs, Trouble(refusal.reason, refusal.message)
    summary = "Stalled" if stalls(trouble.reason) else "Reconciling"
    serving = f"{view.ready_endpoints} pods serve as they did before"
    available = (
        _true(inputs, "Available", "Serving", serving)
        if view.ready_endpoints
        else _false(inputs, "Available", trouble)
    )
    return [
        _false(inputs, "Ready", trouble),
        available,
        _false(inputs, "ConfigurationValid", trouble),
        _true(inputs, summary, trouble.reason, trouble.message),
        *template_condition.told(inputs),
    ]


def _condition(
    inputs: RegistryInputs, type_: str, status: Status, reason: str, message: str
) -> Condition:
    return Condition(type_, status, reason, message, inputs.owner.generation)


def _true(inputs: RegistryInputs, type_: str, reason: str, message: str) -> Condition:
    return _condition(inputs, type_, "True", reason, message)


def _false(inputs: RegistryInputs, type_: str, trouble: Trouble) -> Condition:
    return _condition(inputs, type_, "False", trouble.reason, trouble.message)


def report(
    inputs: RegistryInputs, conditions: list[dict[str, Any]], *, now: datetime
) -> dict[str, Any]:
    """The whole status, built from scratch; fields that say nothing are left out."""
    children, spec = inputs.children, inputs.spec
    status: dict[str, Any] = {
        "observedGeneration": inputs.owner.generation,
        "conditions": conditions,
        **observed.counts(children.deployment),
        "selector": observed.selector(inputs.owner),
    }
    if inputs.owner.is_deleting:
        return status
    status |= template_condition.applied(inputs)
    status |= served_condition.applied(inputs, now=now)
    if spec is None:
        return status
    if children.service is not None:
        host = f"{children.service.name}.{inputs.owner.namespace}.svc"
        status["endpoint"] = f"{host}:{spec.service.port}"
    status |= _running(inputs, children.deployment)
    status |= upgrade_condition.applied(inputs, now=now)
    storage = storage_condition.applied(inputs)
    return {**status, "storage": storage} if storage else status


def _running(inputs: RegistryInputs, deployment: Object | None) -> dict[str, Any]:
    """Image, version and configuration of the pods that run; the old ones' while rolling."""
    if deployment is None:
        return {}
    # Of what is held, where a change is not made.
    if observed.rollout(deployment, inputs.children.pods).complete:
        return observed.running_software(deployment)
    before = inputs.owner.body().get("status") or {}
    return {name: before[name] for name in ("image", "version", "configuration") if name in before}
