"""One object of the API server: a small typed head and the raw bytes.

In flow JSON bytes of a response or of a watch event; out flow identity (decoded at once, typed),
labels, annotations and owners (decoded when asked for) and, on demand, the body as fresh
dictionaries. Why so: holding decoded dictionaries of thousands of objects costs four times the
memory and ten times the garbage collector's pauses of holding bytes; and of the head itself, three
quarters were labels and owners, which are views on the bytes here.
"""

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
import orjson

from registry_operator.kube.errors import CodecError
from registry_operator.kube.resource import ObjectKey, Resource

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


class OwnerReference(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """Who an object belongs to (meta/v1 OwnerReference)."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False
    block_owner_deletion: bool = False


_NOTHING: Final = msgspec.Raw(b"null")


class Metadata(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """The part of meta/v1 ObjectMeta that anybody here reads; timestamps are UTC.

    The `raw_` fields are views on the object's bytes; equal when written equally.
    """

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    raw_labels: msgspec.Raw = msgspec.field(default=_NOTHING, name="labels")
    raw_annotations: msgspec.Raw = msgspec.field(default=_NOTHING, name="annotations")
    raw_owner_references: msgspec.Raw = msgspec.field(default=_NOTHING, name="ownerReferences")
    deletion_timestamp: datetime | None = None
    creation_timestamp: datetime | None = None
    finalizers: tuple[str, ...] = ()

    @property
    def labels(self) -> dict[str, str]:
        """Decoded freshly at every call."""
        return _decode_texts(self.raw_labels) or {}

    @property
    def annotations(self) -> dict[str, str]:
        """Decoded freshly at every call."""
        return _decode_texts(self.raw_annotations) or {}

    @property
    def owner_references(self) -> tuple[OwnerReference, ...]:
        """Decoded freshly at every call."""
        return _decode_owners(self.raw_owner_references) or ()


class _Head(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    metadata: Metadata
    api_version: str = ""
    kind: str = ""


_decode_texts = msgspec.json.Decoder(dict[str, str] | None).decode
_decode_owners = msgspec.json.Decoder(tuple[OwnerReference, ...] | None).decode
_decode_head = msgspec.json.Decoder(_Head).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def _without_managed_fields(raw: bytes) -> bytes:
    """Cut `managedFields` and kubectl's last-applied annotation, copying the rest as it stands."""
    if b'"managedFields"' not in raw and b"last-applied-configuration" not in raw:
        return raw
    members = _decode_members(raw)
    metadata = _decode_members(members["metadata"])
    metadata.pop("managedFields", None)
    if "annotations" in metadata:
        annotations = _decode_members(metadata["annotations"])
        annotations.pop(LAST_APPLIED, None)
        metadata["annotations"] = msgspec.Raw(_encode(annotations))
    members["metadata"] = msgspec.Raw(_encode(metadata))
    # A copy, as the encoder's own buffer is half as large again as what it holds.
    return bytes(memoryview(_encode(members)))


def _with_type(raw: bytes, resource: Resource) -> bytes:
    """Put the type in front: items of a typed list do not carry their own."""
    head = orjson.dumps({"apiVersion": resource.api_version, "kind": resource.kind})
    return head[:-1] + b"," + raw.lstrip()[1:]


class Object(msgspec.Struct, frozen=True, eq=False, gc=False):
    """An immutable object as the server sent it; equal when the bytes are equal.

    Construct by `Object.decode` (bytes) or `Object.of` (a mapping). It is part of no cycle, and the
    garbage collector is spared the sight of thousands.
    """

    raw: bytes
    metadata: Metadata
    api_version: str
    kind: str
    key: ObjectKey

    @classmethod
    def decode(
        cls,
        raw: bytes | memoryview | msgspec.Raw,
        *,
        resource: Resource | None = None,
        without_managed_fields: bool = False,
    ) -> "Object":
        """Decode the head and keep an own copy of the bytes.

        `resource` completes `apiVersion` and `kind` where the server left them out (items of a
        list). Raises CodecError when this is not the JSON of an object.
        """
        try:
            own = bytes(raw)
            if without_managed_fields:
                own = _without_managed_fields(own)
            head = _decode_head(own)
            if resource is not None and not head.kind:
                # Anew, as the head looks at the bytes that it was decoded from.
                own = _with_type(own, resource)
                head = _decode_head(own)
        except (msgspec.MsgspecError, KeyError) as error:
            raise CodecError(f"not an object of the API server: {error}") from error
        metadata = head.metadata
        # Thousands share a few namespaces and kinds.
        namespace = sys.intern(metadata.namespace)
        msgspec.structs.force_setattr(metadata, "namespace", namespace)
        key = ObjectKey(namespace, metadata.name)
        return cls(own, metadata, sys.intern(head.api_version), sys.intern(head.kind), key)

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Object":
        """Make an object from a mapping, as if the server had sent it. Raises CodecError."""
        try:
            raw = orjson.dumps(body)
        except TypeError as error:
            raise CodecError(f"cannot be written as JSON: {error}") from error
        return cls.decode(raw)

    @property
    def name(self) -> str:
        return self.key.name

    @property
    def namespace(self) -> str:
        return self.key.namespace

    @property
    def uid(self) -> str:
        return self.metadata.uid

    @property
    def resource_version(self) -> str:
        return self.metadata.resource_version

    @property
    def generation(self) -> int:
        return self.metadata.generation

    @property
    def labels(self) -> Mapping[str, str]:
        """Decoded freshly at every call, as are annotations and owner references."""
        return self.metadata.labels

    @property
    def annotations(self) -> Mapping[str, str]:
        return self.metadata.annotations

    @property
    def owner_references(self) -> tuple[OwnerReference, ...]:
        return self.metadata.owner_references

    @property
    def is_deleting(self) -> bool:
        """Deletion was asked for and waits for finalizers or for dependents."""
        return self.metadata.deletion_timestamp is not None

    @property
    def size(self) -> int:
        """Bytes held for this object."""
        return len(self.raw)

    def without_managed_fields(self) -> "Object":
        """Return the object as caches hold it; itself where there is nothing to leave out."""
        lean = _without_managed_fields(self.raw)
        return self if lean is self.raw else Object.decode(lean)

    def body(self) -> dict[str, Any]:
        """Decode the whole object, freshly at every call: the caller may change what it gets."""
        body: dict[str, Any] = orjson.loads(self.raw)
        return body

    def controller(self) -> OwnerReference | None:
        """Return the owner that manages this object, if any: there is at most one."""
        return next((owner for owner in self.metadata.owner_references if owner.controller), None)

    def __eq__(self, other: object) -> bool:
        return self.raw == other.raw if isinstance(other, Object) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        # Never the body: this ends up in logs, and the object may be a Secret.
        return f"<{self.kind or 'Object'} {self.key} resourceVersion={self.resource_version}>"


def parse_resource_version(text: str) -> int:
    """Read a resourceVersion as the number it is since KEP-5504.

    Raises ValueError for "", "0" and non-digits.
    """
    if not (text.isascii() and text.isdigit()) or text[0] == "0":
        raise ValueError(f"resourceVersion {text!r} cannot be compared")
    return int(text)


def newer(a: str, b: str) -> bool:
    """Whether resourceVersion `a` is later than `b`.

    Only for two of the same resource (KEP-5504). Raises ValueError.
    """
    return parse_resource_version(a) > parse_resource_version(b)
