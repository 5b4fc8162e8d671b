"""The pod that asks an image for its release, where the image's tag tells nothing.

In: the snapshot. Out: one pod while the wanted image has no answer that the Deployment remembers,
else none. It starts the registry with a configuration that it can't serve with, and the kubelet
puts the last lines of its log, which name the release, into the pod's status
(terminationMessagePolicy FallbackToLogsOnError): so nobody has to read logs of pods, and the image
needs no shell. It is scheduled and pulled for as the registry's pods are, under Pod Security
`restricted`, and no Service selects it. What it said is read in releases.py. Why it is asked so:
docs/adr/0019-an-image-is-asked-by-a-start-that-fails.md.
"""

from typing import Any

from controllers.kinds import POD
from controllers.registry import child, pod_basics, releases
from controllers.registry.inputs import RegistryInputs
from registry_operator.api.names import GROUP, LABEL_COMPONENT, VERSION_PROBE, child_labels
from registry_operator.api.registry import RegistrySpec
from registry_operator.distribution import probe
from registry_operator.kube.object import Object
from registry_operator.runtime.intent import digest
from registry_operator.runtime.outcome import After, Blocked
from registry_operator.runtime.owned import Desired, OwnedKind

CONFIGURATION_ANNOTATION = f"{GROUP}/configuration"
DEADLINE_SECONDS = 300
_DIRECTORY, _FILE = "/etc/registry-operator", "config.yml"
_DIGEST_LENGTH = 8


def labels(owner: Object) -> dict[str, str]:
    """What such a pod is found by: as every child, but of a component of its own."""
    return {**child_labels(owner.name), LABEL_COMPONENT: VERSION_PROBE}


def desired(inputs: RegistryInputs) -> Desired:
    """One pod, as long as nobody remembers what the image is; later where that is about to fade."""
    if not _asks(inputs):
        return After(inputs.recollection.left) if inputs.recollection.fades else ()
    if inputs.children.service_account is None:
        return Blocked("WaitingForIdentity", "ServiceAccount of the pods is being made")
    spec = _spec(inputs)
    # A pod can't be changed: one that is made otherwise is another.
    suffix = f"version-{digest(spec)[:_DIGEST_LENGTH]}"
    return ({"metadata": _metadata(inputs, suffix), "spec": spec},)


def _asks(inputs: RegistryInputs) -> bool:
    """Whether the image is unknown, or its answer has still to be written down."""
    image = inputs.wanted.image
    return releases.tells_nothing(image) and image not in releases.remembered(inputs)


def may_prune(_inputs: RegistryInputs, pod: Object) -> bool:
    """A pod that asks goes once its answer is remembered."""
    return child.is_version_probe(pod)


def _metadata(inputs: RegistryInputs, suffix: str) -> dict[str, Any]:
    template = inputs.wanted.pod_template
    extra = template.metadata if template else None
    return {
        **child.metadata(inputs.owner, suffix),
        "labels": dict((extra and extra.labels) or {}),
        "annotations": {
            **((extra and extra.annotations) or {}),
            CONFIGURATION_ANNOTATION: probe.CONFIGURATION,
            releases.IMAGE_ANNOTATION: inputs.wanted.image,
        },
    }


def _spec(inputs: RegistryInputs) -> dict[str, Any]:
    wanted = inputs.wanted
    return {
        **pod_basics.spec(inputs.owner, wanted),
        "restartPolicy": "Never",
        "activeDeadlineSeconds": DEADLINE_SECONDS,
        "terminationGracePeriodSeconds": 1,
        "containers": [_container(wanted)],
        "volumes": [{"name": "config", "downwardAPI": {"items": [_file()]}}],
        **pod_basics.stated(affinity=wanted.affinity and wanted.affinity.wire()),
    }


def _file() -> dict[str, Any]:
    """The configuration, from an annotation of the pod: no object beside it has to be made."""
    path = f"metadata.annotations['{CONFIGURATION_ANNOTATION}']"
    return {"path": _FILE, "fieldRef": {"fieldPath": path}}


def _container(wanted: RegistrySpec) -> dict[str, Any]:
    return {
        **pod_basics.container(wanted),
        "args": ["serve", f"{_DIRECTORY}/{_FILE}"],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"cpu": "100m", "memory": "128Mi"},
        },
        "volumeMounts": [{"name": "config", "mountPath": _DIRECTORY, "readOnly": True}],
    }


KIND = OwnedKind(
    name="version-probe", resource=POD, desired=desired, may_prune=may_prune, create_only=True
)
