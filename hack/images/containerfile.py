"""The operator's own image `registry-operator:dev`, built from the repository's Containerfile.

In flow the Containerfile, what it copies, and the base image; out flows a docker-archive tar.
buildah builds without a daemon, in a storage of its own beside the cache: its layers last, so that
after an edit of our source only the last ones are made again. pip's settings on this machine
(index, certificates) come along as a secret of the build: they work inside, and stay out of the
image and of its history.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from hack.images import base, debian
from hack.images.command import IN_OWN_MOUNTS, Command, run
from hack.images.pip import PipSettings, read_settings
from hack.images.recipe import Recipe, Work, sources

NAME = "registry-operator:dev"
REPOSITORY = Path(__file__).resolve().parents[2]

_COPIED = ("registry_operator", "controllers", "crds", "requirements/run.txt")
_CONTEXT = ("Containerfile", ".containerignore", *_COPIED)
# Layers of forgotten builds pile up in buildah's storage; it is begun anew beyond so many images.
_MANY_IMAGES = 100


def recipe() -> Recipe:
    """How the operator's image is made."""
    return Recipe(
        names=[NAME],
        about="the operator, built from the Containerfile on the base above",
        inputs=_inputs,
        make=_make,
    )


def context_files(repository: Path) -> list[Path]:
    """The files that the build reads, sorted; without what running the code leaves behind."""
    return sorted(
        path
        for part in _CONTEXT
        for path in _files(repository / part)
        if "__pycache__" not in path.parts
    )


def _files(path: Path) -> Iterable[Path]:
    return path.rglob("*") if path.is_dir() else [path]


def _inputs() -> list[str | bytes]:
    inputs: list[str | bytes] = [*sources(__file__), *base.recipe().inputs()]
    for path in context_files(REPOSITORY):
        if path.is_file():
            inputs += [str(path.relative_to(REPOSITORY)), path.read_bytes()]

    return inputs


def _make(work: Work) -> None:
    debian.require_root(f"building {NAME}")
    debian.require(
        {"buildah": "buildah", "unshare": "util-linux"}, scratch=work.scratch, say=work.say
    )
    python = work.image(base.NAME)
    builder = Builder(work)
    builder.start(base_image=python)
    builder.build(read_settings(os.environ, home=Path.home()))
    builder.export()


class Builder:
    """buildah with storage of its own below `work.lasting`."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._storage = work.lasting / "buildah"
        self._log = work.scratch / "buildah.log"

    def start(self, *, base_image: Path) -> None:
        """Makes the storage ready, with the base image in it."""
        loaded = self._storage / "base"
        records = self._storage / "root" / "overlay-images"
        if records.is_dir() and len(list(records.iterdir())) > _MANY_IMAGES:
            self._work.say("beginning buildah's storage anew: it has grown large")
            shutil.rmtree(self._storage)

        key = base_image.parent.name
        if loaded.exists() and loaded.read_text() == key:
            return

        self._storage.mkdir(parents=True, exist_ok=True)
        self._run("loading the base image", "pull", "--quiet", f"docker-archive:{base_image}")
        loaded.write_text(key)

    def build(self, pip: PipSettings) -> None:
        """Builds the Containerfile."""
        secret = self._work.scratch / "pip.conf"
        secret.touch(mode=0o600)
        secret.write_text(pip.text)
        mounts = [option for path in pip.paths for option in ("--volume", f"{path}:{path}:ro")]
        self._run(
            "building the Containerfile",
            *("bud", "--isolation", "chroot", "--layers", "--pull-never"),
            *("--secret", f"id=pip,src={secret}", *mounts),
            *("--tag", NAME, "--file", str(REPOSITORY / "Containerfile")),
            *("--ignorefile", str(REPOSITORY / ".containerignore"), str(REPOSITORY)),
        )

    def export(self) -> None:
        """Writes the built image to the work's tar."""
        target = f"docker-archive:{self._work.out}:{NAME}"
        self._run("exporting the image", "push", "--quiet", NAME, target)

    def _run(self, title: str, *arguments: str) -> None:
        storage = ["--root", str(self._storage / "root"), "--runroot", str(self._storage / "run")]
        argv = [*IN_OWN_MOUNTS, "buildah", *storage, "--storage-driver", "overlay", *arguments]
        run(Command(title=title, argv=argv, log=self._log), say=self._work.say)
