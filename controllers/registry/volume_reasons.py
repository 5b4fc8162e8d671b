"""Reasons that speak of volumes: their claims, their size, who may write to them.

A part of the one table in reasons.py.
"""

from controllers.registry.reason import Gravity, Reason

VOLUME: tuple[Reason, ...] = (
    Reason(
        "VolumeClaimNotRead",
        "The PersistentVolumeClaim is being read.",
        gravity=Gravity.WAIT,
    ),
    Reason(
        "VolumeClaimUnreadable",
        "The API server refuses to show the PersistentVolumeClaim.",
        "Grant the operator the right that the message names; tried again by itself.",
    ),
    Reason(
        "VolumeClaimNotFound",
        "The PersistentVolumeClaim that is referred to does not exist.",
        "Create it in the Registry's namespace, or correct the name.",
    ),
    Reason(
        "VolumeClaimTerminating",
        "The PersistentVolumeClaim is being deleted; its images go with the last pod that uses it.",
        "Copy the images away if they are needed. A claim of the same name is taken up afterwards.",
    ),
    Reason(
        "VolumeNotBound",
        "The PersistentVolumeClaim has no volume yet.",
        "If it lasts: check the StorageClass, its provisioner and the events of the claim.",
        gravity=Gravity.WAIT,
        for_others=True,
    ),
    Reason(
        "VolumeLost",
        "The volume of the PersistentVolumeClaim is gone.",
        "Bring back the PersistentVolume, or delete the claim to begin empty.",
    ),
    Reason(
        "VolumeUnsuitable",
        "The PersistentVolumeClaim can't be used as it is asked for: its mode or access modes.",
        "Use another claim, or the field that the message names.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "VolumeShared",
        "An older Registry writes to the same PersistentVolumeClaim.",
        "Name another claim, or let the younger one only read.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "VolumeShrinkRefused",
        "A smaller size is asked for than the volume has. What runs goes on unchanged.",
        "Set the size back to the one that the message names.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "VolumeExpansionRefused",
        "The class of the volume does not let it grow. What runs goes on unchanged.",
        "Set the size back, or allowVolumeExpansion of the StorageClass; tried again by itself.",
    ),
    Reason(
        "VolumeExpansionFailed",
        "The volume does not grow, as its provisioner or its node says.",
        "See the message and the events of the claim.",
    ),
    Reason(
        "VolumeNotWritten",
        "Pushes fail, as the registry can't write to its volume. Pulls go on.",
        "Make room or let the pods write, as the message says; told until a push succeeds.",
    ),
    Reason(
        "HostPathNotAllowed",
        "Folders of nodes are turned off.",
        "Use another storage, or have the operator run with --allow-host-path.",
        gravity=Gravity.STALL,
    ),
)
