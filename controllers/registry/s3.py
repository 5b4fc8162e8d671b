"""The bucket of spec.storage.s3: where it is and how it is opened, said in fields or by Secrets.

In: the block, the Secrets that it names. Out: a `Bucket`, or which field lacks what. Pure. Whatever
comes from a Secret is secret here, names and addresses too: it is checked as the CRD checks what is
written in fields, and no message repeats it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from controllers.registry.secret_values import values
from registry_operator.api.reference import SecretKeySelector
from registry_operator.api.s3 import S3
from registry_operator.runtime.outcome import Blocked

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

# Of an address without scheme the driver makes one of https, as it does for COSI's.
_FORMS: Mapping[str, tuple[re.Pattern[str], str]] = MappingProxyType(
    {
        "bucketName": (
            re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"),
            "the bare name of a bucket: up to 63 letters, digits, dots and hyphens, without s3://",
        ),
        "region": (
            re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"),
            "the name of a region, such as eu-central-1",
        ),
        "endpointURL": (
            re.compile(r"(?=.{1,2048}\Z)(https?://)?[^/?#@\s]+/?"),
            "a URL without path, such as https://s3.example.com or http://minio.minio.svc:9000",
        ),
    }
)

_FOLDER = "registry"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and its keys; "" where nothing is said."""

    name: str = field(repr=False)
    region: str = field(repr=False)
    endpoint: str = field(repr=False)
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


def resolve(s3: S3, inputs: "RegistryInputs") -> Bucket | Blocked:
    """The bucket of the block, with what Secrets say of it."""
    keys = _pair(s3, inputs)
    if isinstance(keys, Blocked):
        return keys
    said: dict[str, str] = {}
    for name, selector in s3.selectors.items():
        value = _value(name, selector, inputs)
        if isinstance(value, Blocked):
            return value
        said[name] = value
    region = s3.region if isinstance(s3.region, str) else ""
    return Bucket(
        name=said.get("bucketName", s3.bucket or ""),
        region=said.get("region", region),
        endpoint=said.get("endpointURL", s3.endpoint or ""),
        access_key=said.get("accessKey", keys[0]),
        secret_key=said.get("secretKey", keys[1]),
    )


def defaults(s3: S3) -> dict[str, str]:
    """Parameters of the driver where the block says nothing.

    Whoever names a bucket as the Go project does may have images in it, in the folder of its
    registries.
    """
    return {"rootdirectory": _FOLDER} if s3.bucket_name is not None else {}


def _pair(s3: S3, inputs: "RegistryInputs") -> list[str] | Blocked:
    """The keys that secretRef names; without it two empty ones."""
    reference = s3.secret_ref
    if reference is None:
        return ["", ""]
    return values(
        inputs,
        reference.name,
        (reference.access_key_field, reference.secret_key_field),
        field="spec.storage.s3.secretRef",
        named_by="accessKeyField and secretKeyField",
    )


def _value(name: str, selector: SecretKeySelector, inputs: "RegistryInputs") -> str | Blocked:
    path = f"spec.storage.s3.{name}"
    found = values(inputs, selector.name, (selector.key,), field=path, named_by="key")
    if isinstance(found, Blocked):
        return found
    (value,) = found
    pattern, form = _FORMS.get(name, (None, ""))
    if pattern is not None and pattern.fullmatch(value) is None:
        return Blocked(
            "SecretInvalid",
            f"Secret {selector.name} ({path}) holds under {selector.key} something else than "
            f"{form}: correct it, or name the right key",
        )
    return value
