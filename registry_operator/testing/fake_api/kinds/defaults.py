"""What the server fills in of its own kinds without publishing it, by definition.

In flow nothing and bodies; out flow values, and for what depends on other fields, functions that
complete a body in place. Each line was seen on a running server (k8s.io/kubernetes/pkg/apis/*/v1,
defaults.go); the suite in tests/behaviour holds it to that.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final

Body = dict[str, Any]

_CORE: Final = "io.k8s.api.core.v1"
_SCALING: Final = "io.k8s.api.autoscaling.v2"
_APPS: Final = "io.k8s.api.apps.v1"

DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    f"{_APPS}.DeploymentSpec": {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
    },
    f"{_APPS}.DeploymentStrategy": {"type": "RollingUpdate"},
    f"{_APPS}.ReplicaSetSpec": {"replicas": 1},
    f"{_SCALING}.HorizontalPodAutoscalerSpec": {"minReplicas": 1},
    f"{_CORE}.ConfigMapVolumeSource": {"defaultMode": 0o644},
    f"{_CORE}.Container": {
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    },
    f"{_CORE}.DownwardAPIVolumeSource": {"defaultMode": 0o644},
    f"{_CORE}.HTTPGetAction": {"path": "/", "scheme": "HTTP"},
    f"{_CORE}.HostPathVolumeSource": {"type": ""},
    f"{_CORE}.NamespaceStatus": {"phase": "Active"},
    f"{_CORE}.ObjectFieldSelector": {"apiVersion": "v1"},
    f"{_CORE}.PersistentVolumeClaimSpec": {"volumeMode": "Filesystem"},
    f"{_CORE}.PersistentVolumeClaimStatus": {"phase": "Pending"},
    f"{_CORE}.PodSpec": {
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    },
    f"{_CORE}.PodStatus": {"phase": "Pending"},
    f"{_CORE}.Probe": {
        "failureThreshold": 3,
        "periodSeconds": 10,
        "successThreshold": 1,
        "timeoutSeconds": 1,
    },
    f"{_CORE}.ProjectedVolumeSource": {"defaultMode": 0o644},
    f"{_CORE}.Secret": {"type": "Opaque"},
    f"{_CORE}.SecretVolumeSource": {"defaultMode": 0o644},
    f"{_CORE}.ServiceAccountTokenProjection": {"expirationSeconds": 3600},
    f"{_CORE}.ServiceSpec": {"sessionAffinity": "None", "type": "ClusterIP"},
    "io.k8s.api.discovery.v1.EndpointPort": {"name": "", "protocol": "TCP"},
    "io.k8s.api.storage.v1.StorageClass": {
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
    },
}


def _strategy(strategy: Body) -> None:
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")


def _autoscaler(spec: Body) -> None:
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def _behavior(behavior: Body) -> None:
    """Whoever says something of one direction is told the rest of both."""
    everything = {"type": "Percent", "value": 100, "periodSeconds": 15}
    up, down = behavior.setdefault("scaleUp", {}), behavior.setdefault("scaleDown", {})
    up.setdefault("stabilizationWindowSeconds", 0)
    for rules, policies in (
        (up, [{"type": "Pods", "value": 4, "periodSeconds": 15}, everything]),
        (down, [everything]),
    ):
        rules.setdefault("selectPolicy", "Max")
        rules.setdefault("policies", policies)


def _pull_policy(container: Body) -> None:
    image = container.get("image", "")
    name, has_digest = image.rpartition("/")[2], "@" in image
    tag = name.partition("@")[0].partition(":")[2] or ("" if has_digest else "latest")
    policy = "Always" if tag == "latest" else "IfNotPresent"
    container.setdefault("imagePullPolicy", policy)


def _variable(variable: Body) -> None:
    if variable.get("value") == "":
        del variable["value"]


def _pod(spec: Body) -> None:
    # The old name of the field is still written.
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for name in ("hostIPC", "hostNetwork", "hostPID"):
        if spec.get(name) is False:
            del spec[name]


def _secret(secret: Body) -> None:
    for key, text in secret.pop("stringData", {}).items():
        encoded = base64.b64encode(text.encode()).decode()
        secret["data"] = {**secret.get("data", {}), key: encoded}


def _namespace(namespace: Body) -> None:
    name = namespace["metadata"].get("name")
    labels = namespace["metadata"].get("labels") or {}
    if name:
        own = {"kubernetes.io/metadata.name": name}
        namespace["metadata"] = namespace["metadata"] | {"labels": labels | own}


def _service(spec: Body) -> None:
    kind = spec["type"]
    if kind == "ExternalName":
        return
    spec.setdefault("internalTrafficPolicy", "Cluster")
    if kind in {"NodePort", "LoadBalancer"}:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    else:
        spec.pop("externalTrafficPolicy", None)
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    else:
        spec.pop("allocateLoadBalancerNodePorts", None)


def _service_port(port: Body) -> None:
    port.setdefault("targetPort", port.get("port"))


FILLERS: Final[Mapping[str, Callable[[Body], None]]] = {
    f"{_APPS}.DeploymentStrategy": _strategy,
    f"{_SCALING}.HorizontalPodAutoscalerBehavior": _behavior,
    f"{_SCALING}.HorizontalPodAutoscalerSpec": _autoscaler,
    f"{_CORE}.Container": _pull_policy,
    f"{_CORE}.EnvVar": _variable,
    f"{_CORE}.Namespace": _namespace,
    f"{_CORE}.PodSpec": _pod,
    f"{_CORE}.Secret": _secret,
    f"{_CORE}.ServicePort": _service_port,
    f"{_CORE}.ServiceSpec": _service,
}
