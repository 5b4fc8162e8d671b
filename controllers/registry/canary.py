"""The Deployment of one pod that tries a change before any client meets it.

In: the template that is wanted. Out: the body of `<owner>-canary`. Pure. Its pod has what the
others will have, and no Service sends clients to it, as it is of another component. Where one pod
alone may write to a volume it has an empty one of its own: that the image can be pulled, starts,
takes its configuration and serves is shown there too.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from controllers.registry import child, origin, revision, volume
from registry_operator.api.names import CANARY, LABEL_COMPONENT, selector_labels
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

_SUFFIX = "canary"


def key(owner: Object) -> ObjectKey:
    """The key of the Deployment of a Registry's canary."""
    return child.key(owner, _SUFFIX)


def body(
    inputs: "RegistryInputs", template: Mapping[str, Any], *, shared: str = ""
) -> dict[str, Any]:
    """The Deployment; its pods follow every change of `template`.

    `shared`: the RegistryTemplate against whose bound it counts.
    """
    owner = inputs.owner
    selector = {**selector_labels(owner.name), LABEL_COMPONENT: CANARY}
    return {
        "metadata": {
            **child.metadata(owner, _SUFFIX),
            "annotations": {
                revision.ANNOTATION: revision.of_template(template),
                **({origin.CHANGES: shared} if shared else {}),
            },
        },
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 0,
            "progressDeadlineSeconds": inputs.wanted.upgrade.progress_deadline_seconds,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": selector},
            "template": _apart(inputs, template),
        },
    }


def _apart(inputs: "RegistryInputs", template: Mapping[str, Any]) -> dict[str, Any]:
    metadata, spec = template["metadata"], template["spec"]
    if volume.has_one_writer(inputs.wanted.storage):
        spec = {**spec, "volumes": [_without_images(one) for one in spec["volumes"]]}
    labels = {**metadata["labels"], LABEL_COMPONENT: CANARY}
    return {"metadata": {**metadata, "labels": labels}, "spec": spec}


def _without_images(one: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"name": volume.NAME, "emptyDir": {}} if one["name"] == volume.NAME else one
