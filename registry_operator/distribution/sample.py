"""The image that a check pushes, pulls and deletes: one blob, a configuration and a manifest.

A nonce flows in, the bytes and their digests flow out: the same for the same nonce, others for any
other, so that checks never share content and none deletes what is another's or a user's. It is no
image that anybody could run: nobody finds it without a tag, and it is there for a moment only.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_BLOB_TYPE = "application/octet-stream"
_BLOCKS = 32


@dataclass(frozen=True)
class Content:
    """Bytes, and how a registry names them."""

    data: bytes

    @cached_property
    def digest(self) -> str:
        """Of SHA-256."""
        return digest_of(self.data)


@dataclass(frozen=True, slots=True)
class Sample:
    """What is pushed: the manifest names the other two."""

    blob: Content
    config: Content
    manifest: Content


def digest_of(data: bytes) -> str:
    """The name of these bytes in a registry."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def sample_of(nonce: bytes) -> Sample:
    """The image of a nonce; its blob is a KiB that doesn't compress."""
    blob = Content(b"".join(hashlib.sha256(nonce + bytes((n,))).digest() for n in range(_BLOCKS)))
    config = Content(
        _json(
            {
                # The type is one of images', as registries can be told to take nothing else.
                "architecture": "unknown",
                "os": "unknown",
                "rootfs": {"type": "layers", "diff_ids": [blob.digest]},
            }
        )
    )
    manifest = Content(
        _json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": _descriptor(_CONFIG_TYPE, config),
                "layers": [_descriptor(_BLOB_TYPE, blob)],
            }
        )
    )
    return Sample(blob=blob, config=config, manifest=manifest)


def _descriptor(media_type: str, content: Content) -> dict[str, object]:
    return {"mediaType": media_type, "size": len(content.data), "digest": content.digest}


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
