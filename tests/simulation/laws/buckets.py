"""Facts of claimed buckets and what must have been so, by the reason that says so: a part of law 6.

In flow changes of Registries, their Deployments, claims and accesses; out flow facts, and tests of
them. Told from what users wrote, by other code than that which is judged.
"""

from collections.abc import Callable, Mapping
from typing import Any

from controllers.kinds import BUCKET_ACCESS, BUCKET_CLAIM, DEPLOYMENT, REGISTRY
from controllers.registry.moving import ANNOTATION, CLAIM
from registry_operator.testing.fake_api import Change

Body = dict[str, Any]
Facts = Mapping[str, set[Any]]
Test = Callable[[Facts, Body, Body], bool]


def claim_of(name: str, spec: Body) -> str | None:
    """The claim whose bucket a specification asks for, of the Registry of that name."""
    storage = spec.get("storage") or {}
    named: str | None = storage.get("bucketClaimName")
    return named or (name if "bucketClassName" in storage else None)


def folder_of(name: str, spec: Body) -> str | None:
    """The folder of a claimed bucket that a specification asks for."""
    claim = claim_of(name, spec)
    driver = ((spec.get("config") or {}).get("storage") or {}).get("s3") or {}
    return f"{claim}/{driver.get('rootdirectory', '')}" if claim is not None else None


def learn(facts: Mapping[str, set[Any]], change: Change) -> None:
    """Take a change of anybody into the facts, which make a set for each new name."""
    body = change.new
    name = body["metadata"]["name"]
    folder = folder_of(name, body["spec"]) if change.resource == REGISTRY else None
    if folder is not None:
        facts[f"in folder {folder}"].add(name)
    if change.kind == "DELETED":
        return
    if change.resource == BUCKET_CLAIM and "deletionTimestamp" in body["metadata"]:
        facts[f"bucket claim {name}"].add("leaving")
    if change.resource == BUCKET_ACCESS:
        facts[f"buckets of {name}"].add(body["spec"]["bucketClaimName"])
    if change.resource == DEPLOYMENT:
        told = body["metadata"].get("annotations", {})
        if told.get(ANNOTATION) == "bucket":
            facts[f"buckets of {name}"].add(told.get(CLAIM, name))


def _had_another(facts: Facts, metadata: Body, spec: Body) -> bool:
    claim = claim_of(metadata["name"], spec)
    return claim is not None and bool(facts[f"buckets of {metadata['name']}"] - {claim})


def _was_shared(facts: Facts, metadata: Body, spec: Body) -> bool:
    """Only of claimed buckets it is known: a template that names one puts all its users there."""
    if "s3" in (spec.get("storage") or {}):
        return True
    return len(facts[f"in folder {folder_of(metadata['name'], spec)}"]) > 1


def _was_leaving(facts: Facts, metadata: Body, spec: Body) -> bool:
    return "leaving" in facts[f"bucket claim {claim_of(metadata['name'], spec)}"]


TESTS: Mapping[str, Test] = {
    "MigrationRequired": _had_another,
    "BucketShared": _was_shared,
    "BucketClaimTerminating": _was_leaving,
}
"""What must have been so, by the reason that says so."""
