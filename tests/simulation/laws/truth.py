"""Law 6: a status that was visible was true for some moment, and observedGeneration never runs ahead.

In flow all changes of the world, kept as facts, and each status that an operator wrote, held
against them. A status is put together of several watches, each as late as it is; so every one of
its statements must have been true once since the Registry came, not all at the same moment.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from controllers.kinds import (
    BUCKET_ACCESS,
    BUCKET_CLAIM,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    REGISTRY,
    REGISTRY_TEMPLATE,
    SECRET,
    SERVICE,
)
from controllers.registry.moving import ANNOTATION
from registry_operator.api.registry import DEFAULT_IMAGE
from registry_operator.testing.fake_api import Change
from tests.simulation.laws import buckets, claims
from tests.simulation.laws.law import Court

Body = dict[str, Any]
_BUCKET = frozenset({"bucketClassName", "bucketClaimName"})
_WRITERS_WORDS = frozenset(
    {"AdmissionDenied", "Forbidden", "QuotaExceeded", "Rejected", "WriteFailed"}
)


class Truth:
    """Keeps what was true, and judges what was said."""

    def __init__(self, court: Court) -> None:
        self._court = court
        self._specs: dict[str, dict[int, Body]] = defaultdict(dict)
        self._templates: dict[int, list[Body]] = defaultdict(list)
        self._facts: dict[str, set[Any]] = defaultdict(set)
        self._facts["template"].add("gone")
        self._observed: dict[str, int] = {}

    def learn(self, change: Change) -> None:
        """Take a change of anybody into the facts."""
        body = change.new
        name = body["metadata"]["name"]
        claims.learn(self._facts, change)
        buckets.learn(self._facts, change)
        if change.resource == REGISTRY:
            metadata = body["metadata"]
            self._specs[metadata["uid"]][metadata["generation"]] = body
            if "deletionTimestamp" in metadata:
                self._facts[f"deleting {metadata['uid']}"].add("asked for")
        elif change.resource == REGISTRY_TEMPLATE:
            self._facts["template"].add("gone" if change.kind == "DELETED" else "there")
            self._templates[body["metadata"]["generation"]].append(body["spec"])
        elif change.resource == DEPLOYMENT:
            self._learn_deployment(change)
        elif change.resource == ENDPOINT_SLICE and change.kind != "DELETED":
            ready = [one for one in body.get("endpoints") or () if one["conditions"]["ready"]]
            self._facts[f"endpoints {name}"].add(len(ready))
        elif change.resource in {SECRET, BUCKET_CLAIM, BUCKET_ACCESS, SERVICE}:
            state = "gone" if change.kind == "DELETED" else _state(body)
            self._facts[f"{change.resource.plural} {name}"].add(state)

    def learn_refusal(self, kind: str) -> None:
        """Take in that the API server refused a write to an operator, or failed it."""
        self._facts["refused"].add(kind)

    def _learn_deployment(self, change: Change) -> None:
        body = change.new
        if change.kind == "DELETED":
            return
        status = body.get("status", {})
        counts = (status.get("replicas", 0), status.get("readyReplicas", 0))
        image = body["spec"]["template"]["spec"]["containers"][0]["image"]
        storage = body["metadata"].get("annotations", {}).get(ANNOTATION)
        # One without an owner (he was deleted, and they orphaned) is the next one's.
        owners = [one["uid"] for one in body["metadata"].get("ownerReferences") or ()]
        for owner in owners or [body["metadata"]["name"]]:
            self._facts[f"counts {owner}"].add(counts)
            self._facts[f"image {owner}"].add(image)
            self._facts[f"storage {owner}"].add(storage)
            if status and _is_rolled_out(body):
                self._facts[f"rolled out {owner}"].add((body["spec"]["replicas"], image))

    def _deployed(self, what: str, metadata: Body) -> set[Any]:
        return self._facts[f"{what} {metadata['uid']}"] | self._facts[f"{what} {metadata['name']}"]

    def judge(self, change: Change) -> None:
        """Hold the status that an operator wrote against the facts."""
        if change.resource != REGISTRY or change.kind == "DELETED" or change.old is None:
            return
        status = change.new.get("status")
        if status is None or status == change.old.get("status"):
            return
        metadata = change.new["metadata"]
        uid, generation = metadata["uid"], status["observedGeneration"]
        if generation > metadata["generation"]:
            self._lie(metadata, f"observedGeneration {generation} of {metadata['generation']}")
            return
        if generation < self._observed.get(uid, 0):
            self._lie(metadata, f"observedGeneration fell to {generation}")
        self._observed[uid] = max(generation, self._observed.get(uid, 0))
        self._judge_counts(metadata, status)
        if generation not in self._specs[uid]:
            self._lie(metadata, f"there was no generation {generation}")
            return
        for condition in status["conditions"]:
            self._judge_condition(metadata, status, condition)

    def _judge_counts(self, metadata: Body, status: Body) -> None:
        told = (status["replicas"], status["readyReplicas"])
        if told not in self._deployed("counts", metadata) | {(0, 0)}:
            self._lie(metadata, f"replicas and readyReplicas were never {told}")
        image = status.get("image")
        if image is not None and image not in self._deployed("image", metadata):
            self._lie(metadata, f"image was never {image}")

    def _judge_condition(self, metadata: Body, status: Body, told: Body) -> None:
        specs = self._held(metadata, status)
        if told["type"] == "Ready" and told["status"] == "True":
            self._judge_ready(metadata, specs, told["reason"])
        tests = [table[told["reason"]] for table in _TABLES if told["reason"] in table]
        held = (test(self._facts, metadata, spec) for test in tests for spec in specs)
        if tests and not any(held):
            self._lie(metadata, f"{told['type']} is {told['reason']}: it never was")
        if told["reason"] in _WRITERS_WORDS and told["reason"] not in self._facts["refused"]:
            self._lie(metadata, f"{told['type']} is {told['reason']}, but nothing was refused")

    def _held(self, metadata: Body, status: Body) -> list[Body]:
        """What the Registry came to at this generation: with which template is not always told."""
        owner = self._specs[metadata["uid"]].get(status["observedGeneration"])
        if owner is None:
            return []
        if not owner.get("template"):
            return [owner["spec"]]
        applied = next(
            (one for one in status["conditions"] if one["type"] == "TemplateApplied"), None
        )
        if applied is not None and applied["status"] == "True":
            generation = status["template"]["generation"]
            if generation not in self._templates:
                self._lie(metadata, f"there was no generation {generation} of the template")
            shared = self._templates[generation]
        else:
            shared = [spec for specs in self._templates.values() for spec in specs] or [{}]
        return [_over(spec, owner["spec"]) for spec in shared]

    def _judge_ready(self, metadata: Body, specs: list[Body], reason: str) -> None:
        wanted = {(spec.get("replicas", 1), spec.get("image", DEFAULT_IMAGE)) for spec in specs}
        if reason == "Ready" and wanted.isdisjoint(self._deployed("rolled out", metadata)):
            self._lie(metadata, f"Ready, but {wanted} were never rolled out")
        served = max(self._facts[f"endpoints {metadata['name']}-slice"], default=0)
        if reason in {"Ready", "Paused"} and not served:
            self._lie(metadata, "Ready, but nothing ever served")
        if "gone" in self._facts[f"services {metadata['name']}"] or not served:
            return
        if "there" not in self._facts[f"services {metadata['name']}"]:
            self._lie(metadata, "Ready, but there never was a Service")

    def _lie(self, metadata: Body, how: str) -> None:
        self._court.broken("truth", f"Registry {metadata['name']}: {how}")


def _over(shared: Body, own: Body) -> Body:
    """A Registry's spec over its template's, by other code than that which is judged."""
    merged = {**shared, **own}
    for name in merged.keys() - {"storage"}:
        if isinstance(shared.get(name), dict) and isinstance(own.get(name), dict):
            merged[name] = _over(shared[name], own[name])
    return merged


def _is_rolled_out(deployment: Body) -> bool:
    """Judged here anew, and not by the code that is judged."""
    wanted, status = deployment["spec"]["replicas"], deployment["status"]
    is_seen = status["observedGeneration"] == deployment["metadata"]["generation"]
    is_new = status["updatedReplicas"] == status["replicas"]
    return bool(is_seen and is_new and status["readyReplicas"] >= wanted)


def _state(body: Body) -> str:
    status = body.get("status", {})
    if status.get("bucketReady") or status.get("accessGranted"):
        return "ready"
    return "there"


Facts = Mapping[str, set[Any]]


def _was_paused(_facts: Facts, _metadata: Body, spec: Body) -> bool:
    return bool(spec.get("paused"))


def _was_deleted(facts: Facts, metadata: Body, _spec: Body) -> bool:
    return bool(facts[f"deleting {metadata['uid']}"])


def _had_no_template(facts: Facts, _metadata: Body, _spec: Body) -> bool:
    return "gone" in facts["template"]


def _had_a_template(facts: Facts, _metadata: Body, _spec: Body) -> bool:
    return "there" in facts["template"]


def _has_had_storage(facts: Facts, metadata: Body, spec: Body) -> bool:
    """Whether pods of it had another kind of storage than it asks for."""
    kinds = facts[f"storage {metadata['uid']}"] | facts[f"storage {metadata['name']}"]
    wanted = claims.mark_of(metadata["name"], spec) or _kind(spec)
    return bool(kinds - {wanted, *claims.LOST_WITH_POD})


def _kind(spec: Body) -> str:
    storage = spec.get("storage") or {}
    names = {**dict.fromkeys(_BUCKET, "bucket"), "s3": "s3", "emptyDir": "emptyDir"}
    return next((kind for name, kind in names.items() if name in storage), "")


def _wanted_none(_facts: Facts, _metadata: Body, spec: Body) -> bool:
    return bool(spec.get("replicas", 1) == 0)


def _had_no_storage(_facts: Facts, _metadata: Body, spec: Body) -> bool:
    return not spec.get("storage")


def _had_an_emptydir(_facts: Facts, _metadata: Body, spec: Body) -> bool:
    return "emptyDir" in spec.get("storage", {})


def _wanted_s3_or_bucket(_facts: Facts, _metadata: Body, spec: Body) -> bool:
    return not {"s3", *_BUCKET}.isdisjoint(spec.get("storage", {}))


def _wanted_a_bucket(_facts: Facts, _metadata: Body, spec: Body) -> bool:
    return not _BUCKET.isdisjoint(spec.get("storage", {}))


def _named_a_claim(_facts: Facts, _metadata: Body, spec: Body) -> bool:
    return "bucketClaimName" in spec.get("storage", {})


def _had_a_bucket(facts: Facts, metadata: Body, spec: Body) -> bool:
    if _BUCKET.isdisjoint(spec.get("storage", {})):
        return "s3" in spec.get("storage", {})
    return bool("ready" in facts[f"bucketaccesses {metadata['name']}"])


_TESTS: Mapping[str, Callable[[Facts, Body, Body], bool]] = {
    "Paused": _was_paused,
    "Terminating": _was_deleted,
    "TemplateNotFound": _had_no_template,
    "MigrationRequired": _has_had_storage,
    "TemplateApplied": _had_a_template,
    "ScaledToZero": _wanted_none,
    "StorageNotSpecified": _had_no_storage,
    "EphemeralStorage": _had_an_emptydir,
    "ReplicasNeedSharedStorage": _had_an_emptydir,
    "SecretNotFound": _wanted_s3_or_bucket,
    "SecretIncomplete": _wanted_s3_or_bucket,
    "BucketNotReady": _wanted_a_bucket,
    "BucketClaimNotFound": _named_a_claim,
    "AccessNotGranted": _wanted_a_bucket,
    "StorageInUse": _had_a_bucket,
    "StorageConfigured": _had_a_bucket,
}
"""What must have been so, by the reason that says so."""
_TABLES = (_TESTS, claims.TESTS, buckets.TESTS)
