"""The Registry: what a user writes to get a running container registry.

A manifest flows in (`Registry.model_validate(body)`); reconcilers read the typed spec. `DEFINITION`
says how the kind presents itself to kubectl, and crd.py makes the CustomResourceDefinition from
both.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from registry_operator.api.availability import MOST_REPLICAS, Autoscaling, DisruptionBudget
from registry_operator.api.definition import Column, Definition, ready
from registry_operator.api.health_check import HealthCheck
from registry_operator.api.names import CATEGORY, NAME_LIMIT
from registry_operator.api.pod import (
    LocalObjectReference,
    PodTemplate,
    ResourceRequirements,
    ServiceAccount,
)
from registry_operator.api.scheduling import Affinity, Tolerations, TopologySpreadConstraints
from registry_operator.api.service import Service
from registry_operator.api.status import RegistryStatus
from registry_operator.api.storage import Storage
from registry_operator.api.types import Labels, Model, Name, Rule, listed_by, rules
from registry_operator.api.upgrade import Upgrade

DEFAULT_IMAGE = "registry:3.1.2"

_PART = "[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*"
_IMAGE = Rule(
    rule="self.matches('^(([a-zA-Z0-9.-]+|[[][a-fA-F0-9:]+[]])(:[0-9]+)?/)?"
    f"{_PART}(/{_PART})*(:[a-zA-Z0-9_][a-zA-Z0-9_.-]*)?(@[a-zA-Z0-9+._-]+:[a-fA-F0-9]+)?$')",
    message="image must be an image reference such as registry:3.1.2, "
    "registry.example.com:5000/team/registry:3 or registry@sha256:…, without spaces and without "
    "https://",
)
_NAME = Rule(
    rule=f"self.metadata.name.size() <= {NAME_LIMIT} && "
    "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    message=f"metadata.name becomes the name of a Service: use at most {NAME_LIMIT} lower-case "
    "letters, digits and hyphens, beginning with a letter and not ending with a hyphen",
)


class RegistrySpec(Model):
    """The registry that is wanted."""

    # The scale subresource fails on null.
    replicas: Annotated[
        int,
        Field(ge=0, le=MOST_REPLICAS, json_schema_extra={"format": "int32", "nullable": False}),
    ] = 1
    """Number of registry pods. More than one needs storage that they share. With autoscaling only 0
    means something: off."""
    image: Annotated[str, Field(max_length=512, json_schema_extra=rules(_IMAGE))] = DEFAULT_IMAGE
    """Container image of the registry. Its tag names the release, for which the configuration is
    written."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When nodes pull the image. Kubernetes decides by the tag when absent."""
    image_pull_secrets: (
        Annotated[
            list[LocalObjectReference], Field(max_length=16, json_schema_extra=listed_by("name"))
        ]
        | None
    ) = None
    """Secrets, in this namespace, by which nodes pull the image."""
    resources: ResourceRequirements | None = None
    """Compute resources of the registry container."""
    storage: Storage | None = None
    """Where images are kept: one of bucketClassName or bucketClaimName with bucketAccessClass, s3,
    gcs, azure, persistentVolumeClaim, persistentVolumeClaimTemplate, ephemeral, emptyDir,
    hostPath."""
    service: Service = Service()
    """The Service in front of the registry pods."""
    config: dict[str, Any] | None = None
    """The registry's own configuration, for what has no field here. Unknown keys and keys that the
    operator sets are refused by the condition ConfigurationValid."""
    pod_template: PodTemplate | None = None
    """What is added to the template of the registry pods."""
    service_account: ServiceAccount | None = None
    """The identity of the registry pods."""
    node_selector: Labels | None = None
    """Labels that a node must have to run the pods."""
    tolerations: Tolerations | None = None
    """Taints that the pods tolerate."""
    autoscaling: Autoscaling | None = None
    """Lets a HorizontalPodAutoscaler decide the number of registry pods."""
    disruption_budget: DisruptionBudget | None = None
    """How many pods node drains may take at a time: one, where there are several, when absent."""
    affinity: Affinity | None = None
    """Affinity of the pods to nodes and to other pods. Without podAntiAffinity and
    topologySpreadConstraints pods prefer different zones."""
    topology_spread_constraints: TopologySpreadConstraints | None = None
    """How the pods are spread. Softly over nodes and zones when absent, not at all when empty."""
    priority_class_name: Name | None = None
    """PriorityClass of the pods: who goes first, and who gives way, where nodes are full."""
    paused: bool = False
    """true: the operator observes and reports, and changes nothing."""
    upgrade: Upgrade = Upgrade()
    """How changes of the pods are rolled out."""
    health_check: HealthCheck = HealthCheck()
    """Whether and how it is checked that clients are served."""
    deletion_policy: Literal["Retain", "Delete"] = "Retain"
    """What becomes of the data when the Registry is deleted. Retain: a Registry of the same name
    finds it again."""


class Registry(Model):
    """A container registry: CNCF Distribution, served by pods of this cluster."""

    model_config = ConfigDict(json_schema_extra=rules(_NAME))

    api_version: Literal["registry-operator.dev/v1alpha1"] = "registry-operator.dev/v1alpha1"
    kind: Literal["Registry"] = "Registry"
    metadata: dict[str, Any] = Field(default_factory=dict)
    template: Name | None = None
    """Name of the RegistryTemplate that spec overrides."""
    spec: RegistrySpec = RegistrySpec()
    """The registry that is wanted."""
    status: RegistryStatus | None = None
    """What the operator sees and has done."""


DEFINITION = Definition(
    model=Registry,
    kind="Registry",
    plural="registries",
    short_names=("reg",),
    categories=(CATEGORY,),
    scalable=True,
    columns=(
        Column("Ready", ready("status")),
        Column("Reason", ready("reason")),
        Column("Replicas", ".status.replicas", type="integer"),
        Column("ReadyReplicas", ".status.readyReplicas", type="integer"),
        Column("Version", ".status.version"),
        Column("Upgrade", ".status.upgrade.phase"),
        Column("Endpoint", ".status.endpoint"),
        Column("Since", ready("lastTransitionTime"), type="date"),
        Column("Image", ".status.image", priority=1),
        Column("Storage", ".status.storage.kind", priority=1),
        Column("Age", ".metadata.creationTimestamp", type="date"),
    ),
)
