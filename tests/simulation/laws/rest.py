"""Laws 1 and 5: the world comes to rest where the users' wishes say, and the operator forgets.

In flow two worlds at rest, one after trouble and one that never knew any; out flow the differences
between what users would see in them. And an operator without Registries: what it still holds.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from controllers.kinds import (
    BUCKET_ACCESS,
    DEPLOYMENT,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    REGISTRY,
    REGISTRY_TEMPLATE,
    REPLICA_SET,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
)
from controllers.registry import failure, revision, upgrade_plan
from registry_operator.api.names import ANNOTATION_INTENT, LABEL_REGISTRY
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.referenced import Referenced
from registry_operator.testing.builders import NAMESPACE
from registry_operator.testing.cluster_model.errands import is_errand
from registry_operator.testing.fake_api import FakeApi
from tests.simulation.candidate import WatchedOperator
from tests.simulation.laws import buckets
from tests.simulation.laws.claims import claim_of
from tests.simulation.laws.upgrades import image_of
from tests.simulation.scenario_upgrades import FAILS_CHECK

Body = dict[str, Any]
_HTTP_SECRET = "registry-operator.dev/http-secret"
# What the pods were before, and which http secret they have, is another in each world.
_HISTORY = (revision.ANNOTATION, upgrade_plan.HEALTHY, failure.ANNOTATION)
_RELEASES = "registry-operator.dev/releases"
# A template that was written anew has come to other generations.
_GENERATION = re.compile(r"generation \d+ of template ")
# What is told of images that are where they are by what happened.
_HAPPENED = frozenset(
    {
        *("MigrationRequired", "BucketShared", "BucketClaimTerminating"),
        *("VolumeClaimTerminating", "VolumeShared", "VolumeShrinkRefused"),
        *("UpgradeFailed", "UpgradePaused", "UpgradeAborted", "RolloutWaiting"),
    }
)
_ADDRESSES = frozenset({"clusterIP", "clusterIPs"})

# Phases of a change that is not made, whatever else is wrong with pods that stay (seeds 3533, 4920).
_TRIED = "Canary"
_HELD = frozenset({"Paused", "Aborted", "RollingBack", "RolledBack", "Refused"})


def picture(api: FakeApi) -> dict[str, Any]:
    """What users see of each Registry, without what differs between any two worlds."""
    seen = {body["metadata"]["name"]: _registry(api, body) for body in api.objects(REGISTRY)}
    if any(body["spec"].get("paused") for body in api.objects(REGISTRY)):
        # Which generation a paused Registry has is what it happened to have.
        return seen
    return seen | {
        f"template {body['metadata']['name']}": _template(body)
        for body in api.objects(REGISTRY_TEMPLATE)
    }


def is_trying(api: FakeApi) -> bool:
    """Whether a change is tried all the time: what comes of it is told anew by each process."""
    return any(
        body.get("status", {}).get("upgrade", {}).get("phase") == _TRIED
        for body in api.objects(REGISTRY)
    )


def unreported(seen: dict[str, Any]) -> Iterator[str]:
    """Yield which Registries have no status of what their users wrote last."""
    for name, told in seen.items():
        if not told.get("is observed", told.get("Paused") == "True"):
            yield f"the status of {name} does not know its specification"


def contended(api: FakeApi) -> set[str]:
    """The Registries that ask for a place that another one asks for: who came first has it."""
    asked = {name: _place_of(name, spec) for name, spec in _specifications(api)}
    count = Counter(place for place in asked.values() if place is not None)
    return {name for name, place in asked.items() if place is not None and count[place] > 1}


def robbed(api: FakeApi) -> set[str]:
    """The Registries whose keys somebody took away: COSI makes them once."""
    granted = {
        access["metadata"]["name"]
        for access in api.objects(BUCKET_ACCESS)
        if access.get("status", {}).get("accessGranted")
        and not api.get(SECRET, ObjectKey(NAMESPACE, access["spec"]["credentialsSecretName"]))
    }
    return {name for name, spec in _specifications(api) if buckets.claim_of(name, spec)} & granted


def _specifications(api: FakeApi) -> Iterator[tuple[str, Body]]:
    for body in api.objects(REGISTRY):
        yield body["metadata"]["name"], body["spec"]


def _place_of(name: str, spec: Body) -> str | None:
    folder = buckets.folder_of(name, spec)
    return f"bucket {folder}" if folder is not None else claim_of(name, spec)


def moved(seen: dict[str, Any], happened: set[str]) -> set[str]:
    """The Registries that have the storage that they have by what happened, and who counts them."""
    ready = {name: told["Ready"][1] for name, told in seen.items() if "Ready" in told}
    held = {name for name, told in seen.items() if told.get("is held")}
    found = happened | held | {name for name, reason in ready.items() if reason in _HAPPENED}
    return found and found | {name for name in seen if name.startswith("template ")}


def differences(seen: Any, wanted: Any, *, at: str = "") -> Iterator[str]:
    """Yield where two pictures differ."""
    if isinstance(seen, dict) and isinstance(wanted, dict):
        for name in sorted({*seen, *wanted}):
            if name not in seen or name not in wanted:
                where = "only after trouble" if name in seen else "missing after trouble"
                yield f"{at}/{name} is {where}"
            else:
                yield from differences(seen[name], wanted[name], at=f"{at}/{name}")
    elif seen != wanted:
        yield f"{at} is {seen!r}, should be {wanted!r}"


def unsettled(operator: WatchedOperator) -> Iterator[str]:
    """Yield what an operator at rest still minds of its troubles."""
    for controller in operator.controllers:
        failing = controller.stats().queue.failing
        if failing:
            yield f"queue {controller.name} minds the failures of {failing} keys"
    yield from _undigested(operator)


def leftovers(operator: WatchedOperator) -> Iterator[str]:
    """Yield what an operator still holds though there is no Registry any more."""
    board = operator.outcomes.stats()
    if board.owners:
        yield f"outcomes of {board.owners} owners"
    for controller in operator.controllers:
        queue = controller.stats().queue
        held = (queue.ready, queue.held, queue.delayed, queue.processing, queue.failing)
        if any(held):
            yield f"queue {controller.name} holds {queue}"
    for helper in operator.helpers:
        if isinstance(helper, Referenced) and helper.stats().keys:
            yield f"{helper.stats().keys} Secrets that nobody refers to"
    yield from _undigested(operator)


def _undigested(operator: WatchedOperator) -> Iterator[str]:
    for name, kind in operator.cache.stats().items():
        if kind.store.pending:
            yield f"overlay of {name} holds {kind.store.pending} own writes"
        if kind.store.handler_failures or kind.store.index_failures:
            yield f"handlers of {name} failed"


def _template(body: Body) -> dict[str, Any]:
    status = body.get("status", {})
    conditions: list[Body] = status.get("conditions", [])
    ready: Body = next((one for one in conditions if one["type"] == "Ready"), {})
    return {
        "is observed": status.get("observedGeneration") == body["metadata"]["generation"],
        "Ready": (ready.get("status"), ready.get("reason")),
        "numbers": (status.get("registries"), status.get("upToDate")),
    }


def _registry(api: FakeApi, body: Body) -> dict[str, Any]:
    status = body.get("status", {})
    conditions = {one["type"]: one for one in status.get("conditions", ())}
    ready = conditions.get("Ready", {})
    is_refused = str(ready.get("reason")).startswith("Template")
    if body["spec"].get("paused") and not is_refused:
        # What was there before is left as it was, which is another in each world.
        return {"Paused": conditions.get("Paused", {}).get("status")}
    told = {
        "Ready": (ready.get("status"), ready.get("reason")),
        "is observed": status.get("observedGeneration") == body["metadata"]["generation"],
        "finalizers": body["metadata"].get("finalizers", []),
    }
    if is_refused:
        # Without a spec that holds, nobody says whether there must be one.
        del told["finalizers"]
    if ready.get("status") != "True":
        # The same: what stands in the way of a change leaves what was there before.
        phase = status.get("upgrade", {}).get("phase")
        if phase in _HELD or (phase == _TRIED and _serves_what_fails(api, body)):
            told["is held"] = True
        return told
    told["conditions"] = {
        name: (one["status"], one["reason"], _GENERATION.sub("", one["message"]))
        for name, one in conditions.items()
    }
    told["status"] = {
        name: value
        for name, value in status.items()
        if name not in {"conditions", "observedGeneration", "template"}
    }
    return told | _children(api, body)


def _serves_what_fails(api: FakeApi, owner: Body) -> bool:
    """Pods that serve fail the check, so that no change is to blame for it (seed 6117)."""
    deployment = api.get(DEPLOYMENT, ObjectKey(NAMESPACE, owner["metadata"]["name"]))
    return deployment is not None and image_of(deployment) == FAILS_CHECK


def _children(api: FakeApi, owner: Body) -> dict[str, Any]:
    name = owner["metadata"]["name"]
    children: dict[str, Any] = {}
    for resource in (DEPLOYMENT, SERVICE, SERVICE_ACCOUNT):
        children[resource.plural] = _child(api.get(resource, ObjectKey(NAMESPACE, name)), owner)
    http = api.get(SECRET, ObjectKey(NAMESPACE, f"{name}-http-secret"))
    children["http secret"] = _child(http, owner)
    if "persistentVolumeClaimTemplate" in (owner["spec"].get("storage") or {}):
        data = api.get(PERSISTENT_VOLUME_CLAIM, ObjectKey(NAMESPACE, f"{name}-data"))
        children["claim"] = _child(data, owner)
    children["pods that ask"] = [
        pod["metadata"]["name"]
        for pod in api.objects(POD)
        if is_errand(pod) and pod["metadata"]["labels"].get(LABEL_REGISTRY) == name
    ]
    deployment = children["deployments"]
    if deployment is not None:
        _forget_images(deployment)
    if deployment is not None and http is not None:
        template = deployment["spec"]["template"]
        uid = template["metadata"]["annotations"].pop(_HTTP_SECRET)
        # Of pods that were scaled away while they were changed nobody knows whether they are well.
        deployment["spec"].pop("minReadySeconds", None)
        for name in _HISTORY:
            template["metadata"]["annotations"].pop(name, None)
            deployment["annotations"].pop(name, None)
        children["http secret is used"] = uid == http["metadata"]["uid"]
        config = template["spec"]["volumes"][0]["secret"]["secretName"]
        children["config"] = _child(api.get(SECRET, ObjectKey(NAMESPACE, config)), owner)
        children["unused configs"] = _unused(api, name, used=config)
    return children


def _forget_images(deployment: Body) -> None:
    """Of images that pods have no more, each world has heard what it has."""
    text = deployment["annotations"].get(_RELEASES)
    if text is not None:
        used = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        told = {image: said for image, said in json.loads(text).items() if image == used}
        del deployment["annotations"][_RELEASES]
        deployment["annotations"] |= {_RELEASES: told} if told else {}


def _unused(api: FakeApi, name: str, *, used: str) -> list[str]:
    """The configurations of a Registry that no pod of now or then refers to."""
    kept = {used} | {
        volume["secret"]["secretName"]
        for body in api.objects(REPLICA_SET)
        for volume in body["spec"]["template"]["spec"]["volumes"]
        if "secret" in volume
    }
    secrets = [body["metadata"] for body in api.objects(SECRET)]
    ours = [one["name"] for one in secrets if one.get("labels", {}).get(LABEL_REGISTRY) == name]
    return [one for one in ours if one.startswith(f"{name}-config-") and one not in kept]


def _child(body: Body | None, owner: Body) -> Body | None:
    if body is None:
        return None
    metadata = body["metadata"]
    annotations = metadata.get("annotations", {})
    owners = [one["uid"] for one in metadata.get("ownerReferences", ())]
    content = {
        name: value
        for name, value in body.items()
        if name not in {"metadata", "status", "apiVersion", "kind"}
    }
    if "clusterIP" in content.get("spec", {}):
        # The first address that was free is another in each world.
        content["spec"] = {n: v for n, v in content["spec"].items() if n not in _ADDRESSES}
    return content | {
        "labels": metadata.get("labels", {}),
        "annotations": {n: v for n, v in annotations.items() if n != ANNOTATION_INTENT},
        "is marked": ANNOTATION_INTENT in annotations,
        "is owned": owners == [owner["metadata"]["uid"]],
        "label": metadata.get("labels", {}).get(LABEL_REGISTRY),
    }
