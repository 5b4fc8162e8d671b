"""Reasons that speak of the registry's release, and of moving from one to another.

A part of the one table in reasons.py; most are said by registry_operator/distribution/upgrade.py.
"""

from controllers.registry.reason import Gravity, Reason

MOVE: tuple[Reason, ...] = (
    Reason(
        "ReleaseNotRead",
        "The image's tag does not tell the release, and a pod asks the image itself.",
        "Use a tag such as 3.1.2 to save the pod.",
        gravity=Gravity.WAIT,
    ),
    Reason(
        "DowngradeRefused",
        "The image is of an older release, and back to that is no way that was made or tried.",
        "Stay on the newer one; or allow it by spec.upgrade.policy Any, once images are saved.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "PathUnsupported",
        "From the release that runs there is no known way to that of the image.",
        "Go by the release that the message names; or allow it by spec.upgrade.policy Any.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "DefectRefused",
        "The image's release has a defect that gives away secrets or images, as it is used here.",
        "Use the release that the message names; or allow it by spec.upgrade.policy Any.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "DefectKnown",
        "The image's release has a defect that is met, as it is used here.",
        "Use a release without it, for example registry:3.1.2.",
        gravity=Gravity.STATE,
    ),
    Reason(
        "ReleaseOlder",
        "The image is of an older release of the same minor version.",
        "Nothing, if that is meant; what was fixed since is lost.",
        gravity=Gravity.STATE,
    ),
    Reason(
        "ReleaseUnknown",
        "Nothing tells the release of an image, or it is newer than those that are known here.",
        "Use a tag that tells it, such as 3.1.2; of a newer one read the release notes.",
        gravity=Gravity.STATE,
    ),
    Reason(
        "ReleaseNotFinal",
        "The image is an alpha, a beta or a release candidate.",
        "Use a final release.",
        gravity=Gravity.STATE,
    ),
    Reason(
        "ManifestsOutdated",
        "Manifests of schema 1, which 2.8 serves, can't be pulled from 3.x and stop its garbage "
        "collection.",
        "Look for them before, and push those images again with a current client.",
        gravity=Gravity.STATE,
    ),
    Reason(
        "MetricsRenamed",
        "Between 2.8 and 3.x the metrics of the cache have other names.",
        "Adapt dashboards and alerts to the names that the message gives.",
        gravity=Gravity.STATE,
    ),
    Reason(
        "TokenKeysChanged",
        "Between 2.8 and 3.x the registry finds the key of a token by another fingerprint.",
        "Have the token server send the certificate in x5c, and one audience as text.",
        gravity=Gravity.STATE,
    ),
)
