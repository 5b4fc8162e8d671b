"""The cache of finished images: one folder per key, outside the tree.

In flow a name and the inputs that its content depends on; out flows a path that either holds the
finished tar or not. A key changes with any input, so nothing here is ever stale and nothing has to
be cleaned before a build. A tar appears by rename, whole or not at all; a lock per key keeps two
processes from making the same image twice. The newest few images of each name are kept.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_DIGEST_LENGTH = 16
_KEEP = 3


def slug(name: str) -> str:
    """A file name for an image name: `local/client:1` becomes `local-client-1`."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-")


def image_key(name: str, inputs: Iterable[str | bytes]) -> str:
    """The cache key of image `name`: changes with every input and with their order."""
    digest = hashlib.sha256()
    for part in inputs:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8))
        digest.update(raw)

    return f"{slug(name)}-{digest.hexdigest()[:_DIGEST_LENGTH]}"


@dataclass(frozen=True, slots=True)
class StoreStats:
    """What the cache holds: finished images and their size in bytes."""

    images: int
    size: int


@dataclass(frozen=True, slots=True)
class Store:
    """The cache under `root`."""

    root: Path

    def path(self, key: str) -> Path:
        """Where the tar of `key` is, or would be."""
        return self.root / key / "image.tar"

    @contextlib.contextmanager
    def making(self, key: str) -> Iterator[Path]:
        """A scratch folder on the cache's file system, held alone, removed afterwards.

        Whoever waited for another process here must look again whether `path(key)` exists now.
        """
        with self.locked(key):
            scratch = Path(tempfile.mkdtemp(prefix=f".making-{key}-", dir=self.root))
            try:
                yield scratch
            finally:
                shutil.rmtree(scratch)

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Keeps other processes out of what `name` stands for."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / f".{name}.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def put(self, key: str, tar: Path) -> Path:
        """Moves a finished tar under its key and returns where it is now."""
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        tar.replace(target)

        return target

    def prune(self, name: str, *, keep: int = _KEEP) -> list[str]:
        """Removes all but the `keep` newest images of `name`; returns the removed keys."""
        pattern = re.compile(re.escape(slug(name)) + rf"-[0-9a-f]{{{_DIGEST_LENGTH}}}")
        folders = [folder for folder in self.root.iterdir() if pattern.fullmatch(folder.name)]
        folders.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
        removed = folders[keep:]
        for folder in removed:
            shutil.rmtree(folder)
            (self.root / f".{folder.name}.lock").unlink(missing_ok=True)

        return [folder.name for folder in removed]

    def used(self, key: str) -> Path:
        """Marks `key` as in use, which keeps it from being pruned soon; returns its tar."""
        target = self.path(key)
        os.utime(target.parent)

        return target

    def stats(self) -> StoreStats:
        """Counts the finished images."""
        sizes = [tar.stat().st_size for tar in self.root.glob("*/image.tar")]

        return StoreStats(images=len(sizes), size=sum(sizes))
