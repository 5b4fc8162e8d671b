"""Every condition and reason of a Registry, with what it means and what the user should do.

The one table: status.py takes its words from here, the documentation is generated from it, and a
test holds that no other reason is ever written. Those of one concern are in a module of its own
where they are many: of the storage, volumes, pods, changes of pods, releases, availability.
"""

from collections.abc import Mapping
from types import MappingProxyType

from controllers.registry.availability_reasons import AVAILABILITY
from controllers.registry.move_reasons import MOVE
from controllers.registry.pod_reasons import PODS, ROLLOUT
from controllers.registry.reason import Gravity, Reason
from controllers.registry.storage_reasons import STORAGE
from controllers.registry.upgrade_reasons import UPGRADE
from controllers.registry.volume_reasons import VOLUME

__all__ = ["CONDITIONS", "TABLE", "Gravity", "Reason", "gravity_of", "passes_quietly", "stalls"]


CONDITIONS: Mapping[str, str] = MappingProxyType(
    {
        "Ready": "The registry is as specified and serves. Always there.",
        "Available": "Clients are served: at least one pod is ready behind the Service, judged "
        "from EndpointSlices, and the last checks that push, pull and delete did not fail.",
        "StorageReady": "The storage is specified, provisioned, and accepted by the registry.",
        "ConfigurationValid": "The specification makes a configuration that the registry accepts.",
        "ServiceAvailable": "The Service exists as specified and has its address.",
        "Progressing": "A change is being rolled out.",
        "DisruptionBudgetValid": "Nodes can be drained with the budget that is asked for. Only "
        "there with spec.disruptionBudget.",
        "AutoscalingActive": "The number of pods follows metrics. Only there with "
        "spec.autoscaling.",
        "Reconciling": "The operator or the cluster is at work. Only there while true.",
        "Stalled": "A person must act; see the reason. Only there while true.",
        "Paused": "spec.paused holds back all changes. Only there while true.",
        "TemplateApplied": "The RegistryTemplate that `template` names is in what the operator "
        "writes. Only there when one is named.",
    }
)

_CONFIGURATION = (
    Reason(
        "ConfigurationRendered",
        "The configuration is valid for the image's release.",
        gravity=Gravity.STATE,
    ),
    Reason(
        "ReleaseUnsupported",
        "The image's release is too old, or is not final.",
        "Set spec.image to a supported release, for example registry:3.1.2.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "ImageInvalid",
        "spec.image is no image reference.",
        "Correct it, for example registry:3.1.2.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "KeyUnknown",
        "spec.config has a key that the registry does not know.",
        "Remove or correct the key that the message names.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "KeyOwned",
        "spec.config has a key that the operator sets.",
        "Remove it; use the field that the message names.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "ValueInvalid",
        "spec.config or a field of the storage has a value of the wrong type or range.",
        "Correct the value that the message names.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "FieldUnsupported",
        "The image's release does not know a field, or a value of it.",
        "Use a newer image, or remove the field that the message names.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "SetTwice",
        "A field and a key of spec.config say the same thing.",
        "Remove one of the two that the message names.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "IdentityUnsupported",
        "The pods' own identity at the cloud can't be used, by this release or at this endpoint.",
        "Use a newer image, remove the endpoint, or name a Secret in secretRef.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "SpecInvalid",
        "The specification can't be read.",
        "Correct the field that the message names.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "WaitingForStorage",
        "The configuration waits for the storage.",
        "See StorageReady.",
        gravity=Gravity.WAIT,
    ),
)
_SERVICE = (
    Reason("ServiceReady", "The Service exists as specified.", gravity=Gravity.STATE),
    Reason("ServicePending", "The Service is being created or changed.", gravity=Gravity.WAIT),
    Reason(
        "LoadBalancerPending",
        "The load balancer has no address yet.",
        "If it lasts: see the events of the Service and the cloud's controller.",
        gravity=Gravity.WAIT,
        for_others=True,
    ),
)
_WRITES = (
    Reason(
        "ForeignObject",
        "An object of a name that we need exists and is not ours.",
        "Delete or rename it, or rename the Registry.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "ChildTerminating",
        "A child is being deleted and is made again afterwards.",
        gravity=Gravity.WAIT,
    ),
    Reason(
        "QuotaExceeded",
        "A quota of the namespace stands against it.",
        "Raise the quota or lower the ask; tried again by itself.",
    ),
    Reason(
        "AdmissionDenied",
        "An admission webhook or policy refuses the write.",
        "Change the policy or the specification; tried again by itself.",
    ),
    Reason(
        "Forbidden",
        "The operator lacks a right.",
        "Add the verb and resource that the message names to its ClusterRole.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "Rejected",
        "The API server refuses the object.",
        "Correct the field of the specification that the message names.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "KindNotServed",
        "The cluster does not serve a kind that is needed.",
        "Install the CRD that the message names.",
    ),
    Reason(
        "FieldConflict",
        "Another manager owns a field that is needed.",
        "Find who; see `managedFields` of the object.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "Contested",
        "Somebody changes our fields again and again.",
        "Find and stop the other controller or user.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "WriteFailed",
        "A write failed; it is being retried.",
        "If it lasts: see the operator's log.",
    ),
    Reason(
        "InternalError",
        "The operator itself is at fault; it tries again.",
        "Report it with the operator's log.",
    ),
    Reason("NamespaceTerminating", "The namespace is being deleted.", gravity=Gravity.WAIT),
)
_SUMMARY = (
    Reason("Ready", "Everything is as specified.", gravity=Gravity.STATE),
    Reason(
        "Paused",
        "spec.paused is true.",
        "Set spec.paused to false to go on.",
        gravity=Gravity.STATE,
    ),
    Reason(
        "Terminating",
        "The Registry is being deleted.",
        "If it lasts: see the message for what it waits for.",
        gravity=Gravity.WAIT,
    ),
)

_TEMPLATE = (
    Reason(
        "TemplateApplied",
        "The pods, and all else that the operator writes, are what the template says.",
        gravity=Gravity.STATE,
    ),
    Reason(
        "TemplateNotFound",
        "There is no RegistryTemplate of that name. What runs goes on unchanged.",
        "Create it, or correct `template`, or remove it and set the fields in spec.",
    ),
    Reason(
        "TemplateInvalid",
        "Template and Registry together make no valid specification. What runs goes on unchanged.",
        "Correct the fields that the message names, in the template or in the Registry.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "TemplateUnreadable",
        "The API server does not show RegistryTemplates. What runs goes on unchanged.",
        "Install the CRD, or grant the operator list and watch of registrytemplates.",
    ),
)

TABLE: Mapping[str, Reason] = MappingProxyType(
    {
        reason.name: reason
        for group in (
            *(_SUMMARY, STORAGE, VOLUME, _CONFIGURATION, _SERVICE, PODS, ROLLOUT, UPGRADE),
            *(_WRITES, _TEMPLATE, MOVE, AVAILABILITY),
        )
        for reason in group
    }
)
"""Every reason by its name."""


def gravity_of(reason: str) -> Gravity:
    """How a reason is told; one that is not in the table is trouble."""
    known = TABLE.get(reason)
    return known.gravity if known is not None else Gravity.TROUBLE


def passes_quietly(reason: str) -> bool:
    """Whether the reason passes by itself, and by what the operator and Kubernetes do anyway."""
    known = TABLE.get(reason)
    return known is not None and known.gravity is Gravity.WAIT and not known.for_others


def stalls(reason: str) -> bool:
    """Whether only a person can end the reason."""
    return gravity_of(reason) is Gravity.STALL
