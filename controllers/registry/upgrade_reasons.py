"""The reasons of a change of the pods that is tried, taken back or not made (reasons.py)."""

from controllers.registry.reason import Gravity, Reason

UPGRADE = (
    Reason(
        "RolloutWaiting",
        "The template was changed, and other Registries of it change their pods first.",
        "Nothing, it follows by itself. If it lasts: the status of the RegistryTemplate says whose "
        "change failed. Correct the template, or override there what does not work.",
        gravity=Gravity.WAIT,
    ),
    Reason(
        "CanaryRunning",
        "One pod, to which no client is sent, tries the change first.",
        "If it lasts: see the message for what keeps that pod from being ready.",
        gravity=Gravity.WAIT,
    ),
    Reason(
        "RollingBack",
        "The change failed; pods become again what they were.",
        "See the message for what failed.",
        gravity=Gravity.WAIT,
    ),
    Reason(
        "UpgradeFailed",
        "The change failed and was not made; the pods that served before serve on.",
        "Correct what the message names. Tried again once the specification changes, or by another "
        "value of the annotation registry-operator.dev/retry-upgrade.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "ClientsServedWorse",
        "While pods were replaced, the new ones answered clients with many more errors (5xx), or "
        "far slower, than the old ones at the same time.",
        "See the message for the kind of request and the figures, and what the change means for "
        "it. If that is meant, set spec.upgrade.compareTraffic to false.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "UpgradeRefused",
        "The change is known to break something, so it is not tried; the pods serve on.",
        "Do what the message says, or set spec.upgrade.policy to Any.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "UpgradePaused",
        "spec.upgrade.paused holds the change back.",
        "Set spec.upgrade.paused to false to go on.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "UpgradeAborted",
        "The annotation registry-operator.dev/abort-upgrade holds the change back.",
        "Remove the annotation to go on.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "Upgraded",
        "All pods are what was wanted. Told by an Event only.",
        gravity=Gravity.STATE,
    ),
    Reason(
        "UpgradeWithdrawn",
        "A change that was not made is not wanted any more. Told by an Event only.",
        gravity=Gravity.STATE,
    ),
)
