"""What every pod has that runs the registry's image, whether it serves or only asks it something.

In: the specification. Out: parts of a pod's body, as in core/v1. Pure. They pass Pod Security
`restricted` and have no token of the API server. Facts of the registry program:
`enableServiceLinks` must be off (a Service named registry-storage would configure the pod), and
`command: [registry]` works on every image.
"""

from typing import Any, Final

from controllers.registry import child
from registry_operator.api.registry import RegistrySpec
from registry_operator.kube.object import Object

CONTAINER: Final = "registry"
USER: Final = 65532


def spec(owner: Object, wanted: RegistrySpec) -> dict[str, Any]:
    """Who the pod is, where it may run, and by whose leave its image is pulled."""
    common: dict[str, Any] = {
        "serviceAccountName": child.name(owner),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return common | stated(
        imagePullSecrets=[secret.wire() for secret in wanted.image_pull_secrets or ()],
        nodeSelector=wanted.node_selector,
        tolerations=[toleration.wire() for toleration in wanted.tolerations or ()],
        priorityClassName=wanted.priority_class_name,
    )


def container(wanted: RegistrySpec) -> dict[str, Any]:
    """The program, with no more rights than it needs and no traces sent."""
    return {
        "name": CONTAINER,
        "image": wanted.image,
        "command": ["registry"],
        "env": [{"name": "OTEL_TRACES_EXPORTER", "value": "none"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    } | stated(imagePullPolicy=wanted.image_pull_policy)


def stated(**fields: Any) -> dict[str, Any]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value}
