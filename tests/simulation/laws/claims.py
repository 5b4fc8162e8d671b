"""Facts of claims and what must have been so of volumes, by the reason that says so: a part of law 6.

In flow changes of Registries and claims; out flow facts, and tests of them. Told from what users
wrote, by other code than that which is judged.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from controllers.kinds import PERSISTENT_VOLUME_CLAIM, REGISTRY
from registry_operator.runtime.quantity import parse_quantity
from registry_operator.testing.fake_api import Change

Body = dict[str, Any]
Facts = Mapping[str, set[Any]]
Test = Callable[[Facts, Body, Body], bool]
LOST_WITH_POD = frozenset({"emptyDir", "ephemeral"})


def claim_of(name: str, spec: Body) -> str | None:
    """The claim that a specification asks for, of the Registry of that name."""
    storage = spec.get("storage") or {}
    if "persistentVolumeClaimTemplate" in storage:
        return f"{name}-data"
    named: str | None = (storage.get("persistentVolumeClaim") or {}).get("claimName")
    return named


def mark_of(name: str, spec: Body) -> str | None:
    """How a Deployment names the claim that its pods use."""
    claim = claim_of(name, spec)
    return f"persistentVolumeClaim/{claim}" if claim is not None else None


def learn(facts: Mapping[str, set[Any]], change: Change) -> None:
    """Take a change of anybody into the facts, which make a set for each new name."""
    body = change.new
    name = body["metadata"]["name"]
    asked = claim_of(name, body["spec"]) if change.resource == REGISTRY else None
    if asked is not None:
        facts[f"named {asked}"].add(name)
    if change.resource != PERSISTENT_VOLUME_CLAIM or change.kind == "DELETED":
        return
    spec, metadata = body["spec"], body["metadata"]
    facts[f"claim {name}"].add("leaving" if "deletionTimestamp" in metadata else "there")
    facts[f"claim {name}"].add(body["status"]["phase"])
    facts[f"size of {name}"].add(parse_quantity(spec["resources"]["requests"]["storage"]))
    facts[f"words of {name}"].add((spec.get("storageClassName"), tuple(spec["accessModes"])))


def _asked_for_one(_facts: Facts, metadata: Body, spec: Body) -> bool:
    return claim_of(metadata["name"], spec) is not None


def _named_one(_facts: Facts, _metadata: Body, spec: Body) -> bool:
    return "persistentVolumeClaim" in (spec.get("storage") or {})


def _was(state: str) -> Test:
    def held(facts: Facts, metadata: Body, spec: Body) -> bool:
        return state in facts[f"claim {claim_of(metadata['name'], spec)}"]

    return held


def _had_other_words(facts: Facts, metadata: Body, spec: Body) -> bool:
    made = _made(spec)
    wanted = made.get("storageClassName"), tuple(made.get("accessModes") or ("ReadWriteOnce",))
    known = facts[f"words of {claim_of(metadata['name'], spec)}"]
    return bool(made) and bool(known - {wanted})


def _had_more(facts: Facts, metadata: Body, spec: Body) -> bool:
    wanted, known = _size(spec), facts[f"size of {metadata['name']}-data"]
    return wanted is not None and any(size > wanted for size in known)


def _had_less(facts: Facts, metadata: Body, spec: Body) -> bool:
    wanted, known = _size(spec), facts[f"size of {metadata['name']}-data"]
    return wanted is not None and any(size < wanted for size in known)


def _was_shared(facts: Facts, metadata: Body, spec: Body) -> bool:
    return len(facts[f"named {claim_of(metadata['name'], spec)}"]) > 1


def _wanted_to_share(_facts: Facts, _metadata: Body, spec: Body) -> bool:
    return bool((spec.get("storage") or {}).get("shareVolume"))


def _wanted_many(_facts: Facts, _metadata: Body, spec: Body) -> bool:
    storage = spec.get("storage") or {}
    is_one = "ephemeral" in storage or claim_of("", spec) is not None
    return is_one and bool(spec.get("replicas", 1) > 1)


def _was_lost_with_its_pod(_facts: Facts, _metadata: Body, spec: Body) -> bool:
    return "ephemeral" in (spec.get("storage") or {})


def _made(spec: Body) -> Body:
    made: Body = (spec.get("storage") or {}).get("persistentVolumeClaimTemplate") or {}
    return made


def _size(spec: Body) -> Decimal | None:
    made = _made(spec)
    return parse_quantity(made["resources"]["requests"]["storage"]) if made else None


TESTS: Mapping[str, Test] = {
    "VolumeNotBound": _asked_for_one,
    "VolumeClaimNotFound": _named_one,
    "VolumeClaimTerminating": _was("leaving"),
    "VolumeShrinkRefused": _had_more,
    "VolumeExpansionRefused": _had_less,
    "VolumeUnsuitable": _wanted_to_share,
    "VolumeShared": _was_shared,
    "MigrationRequired": _had_other_words,
    "ReplicasNeedSharedStorage": _wanted_many,
    "EphemeralStorage": _was_lost_with_its_pod,
    "StorageInUse": _was("Bound"),
    "StorageConfigured": _was("Bound"),
}
"""What must have been so, by the reason that says so."""
