"""What the cluster's own controllers made of our children, read off their status.

Pure. Deployment: complete when every pod is of the newest revision and available, as `kubectl
rollout status` judges it (k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controllers.registry import configuration, releases, revision
from registry_operator.api.names import selector_labels
from registry_operator.kube.object import Object


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far a Deployment is."""

    complete: bool
    deadline_exceeded: bool
    message: str


def rollout(deployment: Object, pods: Sequence[Object] = ()) -> Rollout:
    """How far the newest revision is rolled out.

    Where the Deployment was written and its controller has not looked yet, `pods` tell: if as many
    as are wanted are there, all of that revision, what was written concerns none of them.
    """
    body = deployment.body()
    status = body.get("status") or {}
    wanted = body["spec"].get("replicas", 1)
    updated = status.get("updatedReplicas", 0)
    available = status.get("availableReplicas", 0)
    old = status.get("replicas", 0) - updated
    seen = status.get("observedGeneration", 0) >= deployment.generation
    as_many = updated >= wanted if seen else updated == wanted and _are_all_of(deployment, pods)
    complete = as_many and old == 0 and available >= updated
    if complete:
        return Rollout(complete=True, deadline_exceeded=False, message=f"{updated} pods rolled out")
    message = f"{updated} of {wanted} pods are new, {available} available, {max(old, 0)} old"
    late = seen and any(
        condition.get("reason") == "ProgressDeadlineExceeded"
        for condition in status.get("conditions") or ()
    )
    return Rollout(complete=False, deadline_exceeded=late, message=message)


def _are_all_of(deployment: Object, pods: Sequence[Object]) -> bool:
    """By revision, and by image too: who else writes the template leaves the revision as it is."""
    wanted = revision.of(deployment), _images(deployment.body()["spec"]["template"])
    living = {(revision.of(pod), _images(pod.body())) for pod in pods if not pod.is_deleting}
    return bool(wanted[0]) and living == {wanted}


def _images(pod: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(one["image"] for one in pod["spec"]["containers"])


def was_rolled_out(deployment: Object) -> bool:
    """Whether the newest revision has once been complete, and had pods.

    What the Deployment controller says of that stands while pods come and go (progress.go of
    k8s.io/kubernetes/pkg/controller/deployment).
    """
    body = deployment.body()
    conditions = (body.get("status") or {}).get("conditions") or ()
    done = any(
        (one["type"], one.get("reason")) == ("Progressing", "NewReplicaSetAvailable")
        for one in conditions
    )
    return done and bool(body["spec"].get("replicas", 1))


def has_only_new(deployment: Object, pods: Sequence[Object]) -> bool:
    """Whether no pod of an earlier template is left; of those that end only `pods` tells."""
    status = deployment.body().get("status") or {}
    seen = status.get("observedGeneration", 0) >= deployment.generation
    all_new = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    return seen and all_new and not any(pod.is_deleting for pod in pods)


def runs(deployment: Object, *, replicas: int, image: str, configuration_name: str) -> bool:
    """Whether a Deployment asks for what is wanted, and not for what somebody made of it."""
    spec = deployment.body()["spec"]
    software = running_software(deployment)
    asked = (spec.get("replicas", 1), software["image"], software.get("configuration"))
    return asked == (replicas, image, configuration_name)


def ready_endpoints(slices: Sequence[Object]) -> int:
    """How many distinct pods are ready; a missing `ready` means yes (discovery/v1)."""
    ready = set()
    for endpoint_slice in slices:
        for endpoint in endpoint_slice.body().get("endpoints") or ():
            if (endpoint.get("conditions") or {}).get("ready") is not False:
                target = endpoint.get("targetRef") or {}
                ready.add(target.get("uid") or tuple(endpoint.get("addresses", ())))
    return len(ready)


def running(pods: Sequence[Object]) -> int:
    """How many pods run, ready or not."""
    phases = [(pod.body().get("status") or {}).get("phase") for pod in pods if not pod.is_deleting]
    return phases.count("Running")


def has_ingress(service: Object) -> bool:
    """Whether a load balancer has been given an address."""
    status = service.body().get("status") or {}
    return bool((status.get("loadBalancer") or {}).get("ingress"))


def counts(deployment: Object | None) -> dict[str, int]:
    """`replicas` and `readyReplicas` as the Deployment counts them."""
    status = (deployment.body().get("status") or {}) if deployment is not None else {}
    return {
        "replicas": status.get("replicas", 0),
        "readyReplicas": status.get("readyReplicas", 0),
    }


def selector(owner: Object) -> str:
    """The pods' label selector as text, for the scale subresource."""
    return ",".join(f"{name}={value}" for name, value in selector_labels(owner.name).items())


def running_software(deployment: Object) -> dict[str, Any]:
    """Image, release and configuration that a rolled-out Deployment runs."""
    pod = deployment.body()["spec"]["template"]["spec"]
    image = pod["containers"][0]["image"]
    told: dict[str, Any] = {"image": image}
    release = releases.of_image(image, deployment)
    if release is not None:
        told["version"] = str(release)
    for volume in pod.get("volumes") or ():
        if volume["name"] == configuration.VOLUME:
            told["configuration"] = volume["secret"]["secretName"]
    return told
