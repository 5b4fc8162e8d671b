"""What is pushed: small images and indexes of random bytes, by the OCI image specification.

In flows a source of randomness; out flow blobs and manifests that know their digests.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True)
class Content:
    """Some bytes with a media type."""

    kind: str
    body: bytes

    @cached_property
    def digest(self) -> str:
        """Its name."""
        return digest(self.body)

    @property
    def descriptor(self) -> dict[str, Any]:
        """How others refer to it."""
        return {"mediaType": self.kind, "digest": self.digest, "size": len(self.body)}


@dataclass(frozen=True)
class Image:
    """A configuration, a layer and the manifest that names them."""

    config: Content
    layer: Content

    @cached_property
    def manifest(self) -> Content:
        """The manifest."""
        body = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.config.descriptor,
            "layers": [self.layer.descriptor],
        }
        return Content(MANIFEST, json.dumps(body).encode())


@dataclass(frozen=True)
class Index:
    """Some images by one name."""

    images: Sequence[Image]

    @cached_property
    def manifest(self) -> Content:
        """The index itself."""
        named = [image.manifest.descriptor for image in self.images]
        body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": named}
        return Content(INDEX, json.dumps(body).encode())


class Author:
    """Makes images whose layers are `size` random bytes."""

    def __init__(self, rng: random.Random, size: int) -> None:
        self._rng = rng
        self._size = size

    def image(self) -> Image:
        """An image that nobody has."""
        return Image(self._config(), Content(_LAYER, self._rng.randbytes(self._size)))

    def beside(self, image: Image, layer: Content) -> Image:
        """Another image of the same configuration, with a layer that exists."""
        return Image(image.config, layer)

    def _config(self) -> Content:
        label = {"load": self._rng.randbytes(8).hex()}
        body = {"architecture": "amd64", "os": "linux", "config": {"Labels": label}}
        return Content(_CONFIG, json.dumps(body).encode())


def digest(body: bytes) -> str:
    """The digest by which the registry names content."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
