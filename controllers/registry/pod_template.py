"""The template of the registry pods, as we intend it, and the revision that it makes.

Pods that find the configuration that they were made for, and tell Kubernetes the truth about
themselves; what they have of every pod is in pod_basics.py. Readiness asks `GET /`, which fails
while the storage fails; liveness and start-up only open the port, so that a storage outage never
restarts a pod. Draining must end within the grace period.
"""

from typing import TYPE_CHECKING, Any

from controllers.registry import (
    certificates,
    configuration,
    http_secret,
    identity,
    pod_basics,
    revision,
    spreading,
    volume,
)
from controllers.registry.configuration import Configuration
from controllers.registry.storage import CONFIG_DIRECTORY, DATA_DIRECTORY
from registry_operator.api.names import GROUP, child_labels
from registry_operator.runtime.outcome import Blocked, Stalled

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

CLIENT_PORT = 5000
CLIENT_PORT_NAME = "http"
DEBUG_PORT = 5001
HTTP_SECRET_ANNOTATION = f"{GROUP}/http-secret"
PREFIX_ANNOTATION = f"{GROUP}/http-prefix"
"""On pods whose configuration sets `http.prefix`: whoever tries them must know."""
_TRUSTED = f"{CONFIG_DIRECTORY}:/etc/ssl/certs"
_PRE_STOP_SECONDS = 10
_DRAIN_SECONDS = 60


def plan_template(inputs: "RegistryInputs") -> dict[str, Any] | Blocked | Stalled:
    """The template that is wanted, or what it waits for. It bears its revision (revision.py)."""
    return waiting_for(inputs) or render(inputs)


def waiting_for(inputs: "RegistryInputs") -> Blocked | Stalled | None:
    """What has to exist before pods may refer to it; None: all of it does."""
    plan = inputs.configuration
    if isinstance(plan, (Blocked, Stalled)):
        return plan
    children = inputs.children
    if plan.secret_name not in {secret.name for secret in children.configurations}:
        return Blocked("WaitingForConfiguration", f"Secret {plan.secret_name} is being created")
    account = children.service_account
    if (
        children.http_secret is None
        or account is None
        or not identity.is_on(account, inputs.wanted)
    ):
        return Blocked("WaitingForIdentity", "Secret and ServiceAccount of the pods are being made")
    return None


def render(inputs: "RegistryInputs") -> dict[str, Any]:
    """The template, where it waits for nothing."""
    plan, secret = inputs.configuration, inputs.children.http_secret
    assert isinstance(plan, Configuration)
    assert secret is not None
    return revision.marked(
        {
            "metadata": _pod_metadata(inputs, http_secret_uid=secret.uid),
            "spec": _pod_spec(inputs, plan),
        }
    )


def _pod_metadata(inputs: "RegistryInputs", *, http_secret_uid: str) -> dict[str, Any]:
    template = inputs.wanted.pod_template
    extra = template.metadata if template else None
    labels = dict((extra and extra.labels) or {})
    annotations = dict((extra and extra.annotations) or {})
    prefix = configuration.http_prefix(inputs.wanted)
    return {
        "labels": {
            **labels,
            **identity.pod_labels(inputs.wanted),
            **child_labels(inputs.owner.name),
        },
        "annotations": {
            **annotations,
            **identity.pod_annotations(inputs.wanted),
            **({PREFIX_ANNOTATION: prefix} if prefix != "/" else {}),
            HTTP_SECRET_ANNOTATION: http_secret_uid,
        },
    }


def _pod_spec(inputs: "RegistryInputs", plan: Configuration) -> dict[str, Any]:
    owner, wanted = inputs.owner, inputs.wanted
    common = pod_basics.spec(owner, wanted)
    owns_files = {"fsGroup": pod_basics.USER, "fsGroupChangePolicy": "OnRootMismatch"}
    return {
        **common,
        "terminationGracePeriodSeconds": _PRE_STOP_SECONDS + _DRAIN_SECONDS + 5,
        "securityContext": {**common["securityContext"], **owns_files},
        "containers": [_container(inputs, plan)],
        "volumes": _volumes(inputs, config_secret=plan.secret_name),
        **pod_basics.stated(
            affinity=spreading.affinity(owner, wanted),
            topologySpreadConstraints=spreading.constraints(owner, wanted),
        ),
    }


def _container(inputs: "RegistryInputs", plan: Configuration) -> dict[str, Any]:
    wanted = inputs.wanted
    common = pod_basics.container(wanted)
    opens_port = {"tcpSocket": {"port": CLIENT_PORT_NAME}}
    return {
        **common,
        "args": ["serve", f"{CONFIG_DIRECTORY}/{configuration.FILE}"],
        "ports": [
            {"name": CLIENT_PORT_NAME, "containerPort": CLIENT_PORT, "protocol": "TCP"},
            {"name": "debug", "containerPort": DEBUG_PORT, "protocol": "TCP"},
        ],
        "env": [*_environment(inputs, plan), *common["env"]],
        "startupProbe": {**opens_port, "periodSeconds": 1, "failureThreshold": 60},
        "livenessProbe": {**opens_port, "periodSeconds": 10, "failureThreshold": 6},
        "readinessProbe": {
            "httpGet": {"path": "/", "port": CLIENT_PORT_NAME, "scheme": "HTTP"},
            "periodSeconds": 5,
            "timeoutSeconds": 3,
            "failureThreshold": 2,
        },
        "lifecycle": {"preStop": {"sleep": {"seconds": _PRE_STOP_SECONDS}}},
        "volumeMounts": _mounts(inputs),
        **({"resources": wanted.resources.wire()} if wanted.resources is not None else {}),
    }


def _environment(inputs: "RegistryInputs", plan: Configuration) -> list[dict[str, Any]]:
    secret = {
        "name": http_secret.secret_key(inputs.owner).name,
        "key": http_secret.DATA_KEY,
    }
    environment: list[dict[str, Any]] = [
        {"name": "REGISTRY_HTTP_SECRET", "valueFrom": {"secretKeyRef": secret}}
    ]
    if certificates.FILE in plan.files:
        environment.append({"name": "SSL_CERT_DIR", "value": _TRUSTED})
    return environment


def _mounts(inputs: "RegistryInputs") -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = [
        {"name": configuration.VOLUME, "mountPath": CONFIG_DIRECTORY, "readOnly": True}
    ]
    storage = inputs.wanted.storage
    if volume.is_volume(storage):
        mount = {"name": volume.NAME, "mountPath": DATA_DIRECTORY}
        mounts.append({**mount, "readOnly": True} if volume.is_read_only(storage) else mount)
    return mounts


def _volumes(inputs: "RegistryInputs", *, config_secret: str) -> list[dict[str, Any]]:
    volumes: list[dict[str, Any]] = [
        {
            "name": configuration.VOLUME,
            "secret": {"secretName": config_secret, "defaultMode": 0o440},
        }
    ]
    data = volume.source(inputs.owner, inputs.wanted.storage)
    if data is not None:
        volumes.append({"name": volume.NAME, **data})
    return volumes
