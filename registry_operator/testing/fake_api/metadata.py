"""The metadata of an object: what belongs to the server, and what it refuses of the rest.

In flow the metadata that was sent and that of the old state; out flow the new metadata, or causes
in the words of the API server (k8s.io/apimachinery/pkg/api/validation).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from registry_operator.kube.errors import Cause

Metadata = dict[str, Any]

_INVALID: Final = "FieldValueInvalid"
# What stays as it was, whatever is sent.
_FIXED: Final = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "name",
    "namespace",
    "uid",
)
_SERVERS: Final = frozenset({*_FIXED, "managedFields", "resourceVersion"})
_SUBDOMAIN: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_LABEL: Final = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_KEY: Final = re.compile(rf"(?:{_SUBDOMAIN}/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")


def users_part(metadata: Mapping[str, Any]) -> Metadata:
    """Return what users may say of an object, besides its name."""
    return {name: value for name, value in metadata.items() if name not in _SERVERS}


def kept(sent: Mapping[str, Any], old: Mapping[str, Any]) -> Metadata:
    """Return the metadata of a new state: the server's part as it was, the users' as sent."""
    own = {name: old[name] for name in _FIXED if name in old}
    return users_part(sent) | own


def wrong(new: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[Cause]:
    """Return what is wrong with the metadata of a new state."""
    causes = [*_names(new), *_labels(new), *_owners(new)]
    if old is not None and "deletionTimestamp" in old:
        causes += _finalizers(new, old)
    return causes


def contradictions(sent: Mapping[str, Any], old: Mapping[str, Any]) -> list[Cause]:
    """Return which parts of an object's identity the sender takes for something else."""
    causes = []
    for name in ("uid", "deletionTimestamp"):
        if sent.get(name) and sent[name] != old.get(name):
            message = f"Invalid value: {_told(sent[name])}: field is immutable"
            causes.append(Cause(_INVALID, message, f"metadata.{name}"))
    return causes


def _names(new: Mapping[str, Any]) -> Iterator[Cause]:
    name = new.get("name", "")
    if not name:
        message = "Required value: name or generateName is required"
        yield Cause("FieldValueRequired", message, "metadata.name")
    elif not re.fullmatch(_SUBDOMAIN, name) or len(name) > 253:
        message = (
            f"Invalid value: {_told(name)}: a lowercase RFC 1123 subdomain must consist of lower"
            " case alphanumeric characters, '-' or '.', and must start and end with an"
            " alphanumeric character (e.g. 'example.com', regex used for validation is"
            f" '{_SUBDOMAIN}')"
        )
        yield Cause(_INVALID, message, "metadata.name")


def _labels(new: Mapping[str, Any]) -> Iterator[Cause]:
    for key, value in (new.get("labels") or {}).items():
        if not _KEY.fullmatch(key):
            message = (
                f"Invalid value: {_told(key)}: name part must consist of alphanumeric characters"
            )
            yield Cause(_INVALID, message, "metadata.labels")
        if len(value) > 63:
            message = f"Invalid value: {_told(value)}: must be no more than 63 bytes"
            yield Cause(_INVALID, message, "metadata.labels")
        elif not re.fullmatch(_LABEL, value):
            message = (
                f"Invalid value: {_told(value)}: a valid label must be an empty string or consist"
                " of alphanumeric characters, '-', '_' or '.', and must start and end with an"
                " alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used"
                f" for validation is '{_LABEL}')"
            )
            yield Cause(_INVALID, message, "metadata.labels")
    for key in new.get("annotations") or {}:
        if not _KEY.fullmatch(key.lower()):
            message = (
                f"Invalid value: {_told(key)}: name part must consist of alphanumeric characters"
            )
            yield Cause(_INVALID, message, "metadata.annotations")


def _owners(new: Mapping[str, Any]) -> Iterator[Cause]:
    owners = new.get("ownerReferences") or []
    for index, owner in enumerate(owners):
        for name in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(name):
                where = f"metadata.ownerReferences[{index}].{name}"
                yield Cause("FieldValueRequired", "Required value: must not be empty", where)
    controllers = [owner for owner in owners if owner.get("controller")]
    if len(controllers) > 1:
        one, other = (f"{owner.get('kind')}/{owner.get('name')}" for owner in controllers[:2])
        message = (
            f"Invalid value: {_told(owners)}: Only one reference can have Controller set to true."
            f' Found "true" in references for {one} and {other}'
        )
        yield Cause(_INVALID, message, "metadata.ownerReferences")


def _finalizers(new: Mapping[str, Any], old: Mapping[str, Any]) -> Iterator[Cause]:
    before = old.get("finalizers") or []
    added = [name for name in new.get("finalizers") or [] if name not in before]
    if added:
        told = "{" + ", ".join(_told(name) for name in added) + "}"
        message = (
            "Forbidden: no new finalizers can be added if the object is being deleted, found new"
            f" finalizers []string{told}"
        )
        yield Cause("FieldValueForbidden", message, "metadata.finalizers")


def _told(value: Any) -> str:
    return orjson.dumps(value).decode()
