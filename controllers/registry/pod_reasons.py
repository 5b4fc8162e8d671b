"""The reasons of pods and their roll-out (reasons.py)."""

from controllers.registry.reason import Gravity, Reason

PODS = (
    Reason("Serving", "Pods are ready behind the Service.", gravity=Gravity.STATE),
    Reason(
        "ScaledToZero",
        "spec.replicas is 0, or an autoscaled Deployment was scaled to 0.",
        "Set spec.replicas to 1 or more, or scale the Deployment.",
        gravity=Gravity.STATE,
    ),
    Reason(
        "CheckFailed",
        "Pods are ready, and a push, a pull or a delete fails again and again: through the "
        "Service, or at the new pods of a change.",
        "See the message for the step, then the store and `kubectl logs` of a pod. It is told "
        "until a check passes.",
    ),
    Reason("PodsStarting", "Pods are starting.", gravity=Gravity.WAIT),
    Reason(
        "PodsNotReady",
        "Pods run and are not ready.",
        "See the message, then `kubectl logs` of a pod.",
        gravity=Gravity.WAIT,
    ),
    Reason(
        "ImagePullFailed",
        "The nodes can't pull the image.",
        "Correct spec.image or spec.imagePullSecrets; the rest heals by itself.",
    ),
    Reason(
        "PodCrashing",
        "The registry process ends again and again.",
        "`kubectl logs --previous` of the pod tells why.",
    ),
    Reason("PodConfigError", "A pod can't be set up on its node.", "See the message."),
    Reason(
        "PodUnschedulable",
        "No node can take a pod.",
        "Check resources, nodeSelector, affinity, tolerations and taints.",
    ),
    Reason(
        "PodsRejected",
        "The cluster refuses to create pods.",
        "See the message: a policy, Pod Security, or a webhook.",
    ),
    Reason(
        "WaitingForConfiguration",
        "Pods are made once their configuration is.",
        gravity=Gravity.WAIT,
    ),
    Reason(
        "WaitingForIdentity",
        "Pods are made once their Secret and ServiceAccount are.",
        gravity=Gravity.WAIT,
    ),
    Reason(
        "WaitingForFinalizer",
        "The deletion of the bucket or the volume is being guarded first.",
        gravity=Gravity.WAIT,
    ),
)
ROLLOUT = (
    Reason("RollingOut", "New pods are replacing old ones.", gravity=Gravity.WAIT),
    Reason("RolledOut", "All pods are of the newest revision.", gravity=Gravity.STATE),
    Reason(
        "DeadlineExceeded",
        "The roll-out made no progress for too long.",
        "See Available for what is wrong with the new pods.",
    ),
    Reason("NotStarted", "There is no Deployment yet.", gravity=Gravity.WAIT),
)
