"""Server-side apply, decided purely: who owns what, what an intent changes, what it may not.

In flow the live body, the intent of one manager and who owns which fields; out flow the new body
and the new owners, or a Conflict that names the fields. What a manager no longer wants goes,
unless somebody else owns it too. Who owns what stands in the object, as `managedFields`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from registry_operator.kube.errors import Conflict
from registry_operator.testing.fake_api.schema import fields
from registry_operator.testing.fake_api.schema.fields import Fields
from registry_operator.testing.fake_api.schema.merge import merged
from registry_operator.testing.fake_api.schema.model import Body, Schema

# What no manager owns: identity, and what the server itself writes.
_IDENTITY: Final = ("f:apiVersion", "f:kind")
_SERVERS: Final = (
    "f:creationTimestamp",
    "f:generation",
    "f:managedFields",
    "f:name",
    "f:namespace",
    "f:resourceVersion",
    "f:uid",
)
# Who owns what was there before anybody's fields were managed.
_BEFORE: Final = "before-first-apply"


@dataclass(frozen=True, slots=True, order=True)
class Manager:
    """Who writes: `operation` is Apply or Update, `subresource` is empty, `status` or `scale`."""

    name: str
    operation: str
    subresource: str = ""

    def told(self, api_version: str) -> str:
        """Name a manager as conflicts do."""
        told = f'"{self.name}"'
        if self.subresource:
            told += f' with subresource "{self.subresource}"'
        return told if self.operation == "Apply" else f"{told} using {api_version}"


Owners = Mapping[Manager, Fields]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a write is sent to: the schema of the kind, and which fields count here.

    `ignored` is a set of fields that a write to this (sub)resource leaves as they are.
    """

    schema: Schema
    ignored: Fields

    def counted(self, named: Fields) -> Fields:
        """Leave out what no manager owns here."""
        result = {
            step: node
            for step, node in named.items()
            if step not in _IDENTITY and self.ignored.get(step) != {}
        }
        metadata = result.pop("f:metadata", {})
        ignored = self.ignored.get("f:metadata", {})
        left = {
            step: node
            for step, node in metadata.items()
            if step != "." and step not in _SERVERS and step not in ignored
        }
        return {**result, **({"f:metadata": left} if left else {})}


def applied(
    endpoint: Endpoint, live: Body, intent: Body, *, manager: Manager, force: bool
) -> tuple[Body, Owners]:
    """Apply an intent, which fits the schema. Raises Conflict unless `force`."""
    schema = endpoint.schema
    wanted = fields.named(schema, intent)
    owners = owners_of(live)
    if live and not owners:
        everything = endpoint.counted(fields.everything(schema, live))
        owners = {Manager(_BEFORE, "Update"): everything}
    body = merged(schema, live, intent)
    last = owners.get(manager)
    if last is not None:
        kept = wanted
        for other, theirs in owners.items():
            kept = kept if other == manager else fields.union(kept, theirs)
        gone = fields.difference(
            fields.with_declared(schema, last), fields.with_declared(schema, kept)
        )
        body = fields.without(schema, body, gone)
    others = {other: theirs for other, theirs in owners.items() if other != manager}
    if others:
        changed = fields.changed(schema, live, body)
        if not force:
            _check_conflicts(others, changed, api_version=str(intent.get("apiVersion", "")))
        lost = fields.union(changed, fields.removed(schema, live, body))
        others = _without(others, lost)
    counted = endpoint.counted(wanted)
    return body, {**others, **({manager: counted} if counted else {})}


def updated(
    endpoint: Endpoint, old: Body, new: Body, owners: Owners, *, manager: Manager
) -> Owners:
    """Return the owners after a write that is no apply: what changed now belongs to the writer."""
    changed = fields.changed(endpoint.schema, old, new)
    removed = fields.removed(endpoint.schema, old, new)
    others = {other: theirs for other, theirs in owners.items() if other != manager}
    left = fields.difference(owners.get(manager, {}), removed)
    mine = fields.union(left, endpoint.counted(changed))
    lost = fields.union(changed, removed)
    return {**_without(others, lost), **({manager: mine} if mine else {})}


def owners_of(body: Body) -> dict[Manager, Fields]:
    """Read who owns the fields of an object."""
    return {_manager(entry): entry["fieldsV1"] for entry in _entries(body)}


def managed_fields(
    owners: Owners, before: Body | None, *, api_version: str, now: str
) -> list[dict[str, Any]]:
    """Write the owners as `metadata.managedFields`; who owns what it owned keeps its time."""
    known = {_manager(entry): entry for entry in _entries(before or {})}
    entries = []
    for manager, owned in owners.items():
        entry = known.get(manager)
        is_same = entry is not None and entry["fieldsV1"] == owned
        entries.append(
            {
                "manager": manager.name,
                "operation": manager.operation,
                "apiVersion": api_version,
                "time": entry["time"] if entry is not None and is_same else now,
                "fieldsType": "FieldsV1",
                "fieldsV1": owned,
                **({"subresource": manager.subresource} if manager.subresource else {}),
            }
        )
    return sorted(entries, key=_rank)


def _rank(entry: Mapping[str, Any]) -> tuple[str, ...]:
    words = ("operation", "time", "manager", "subresource")
    return tuple(str(entry.get(word, "")) for word in words)


def _entries(body: Body) -> list[dict[str, Any]]:
    entries = body.get("metadata", {}).get("managedFields") or []
    return [entry for entry in entries if entry]


def _manager(entry: Mapping[str, Any]) -> Manager:
    return Manager(entry["manager"], entry["operation"], entry.get("subresource", ""))


def _without(owners: Owners, lost: Fields) -> dict[Manager, Fields]:
    left = {owner: fields.difference(theirs, lost) for owner, theirs in owners.items()}
    return {owner: theirs for owner, theirs in left.items() if theirs}


def _check_conflicts(others: Owners, changed: Fields, *, api_version: str) -> None:
    disputed = {other: fields.intersection(theirs, changed) for other, theirs in others.items()}
    if any(disputed.values()):
        raise _conflict(disputed, api_version=api_version)


def _conflict(disputed: Mapping[Manager, Fields], *, api_version: str) -> Conflict:
    by_manager = {
        manager.told(api_version): sorted(fields.paths(theirs))
        for manager, theirs in sorted(disputed.items())
        if theirs
    }
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {told}", "field": path}
        for told, paths in by_manager.items()
        for path in paths
    ]
    if len(causes) == 1:
        message = f"Apply failed with 1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        lists = [
            "\n".join([f"conflicts with {told}:", *(f"- {path}" for path in paths)])
            for told, paths in by_manager.items()
        ]
        message = f"Apply failed with {len(causes)} conflicts: " + "\n".join(lists)
    return Conflict(409, reason="Conflict", message=message, details={"causes": causes})
