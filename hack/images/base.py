"""The base image `python:3.11-slim`, as Debian 12 makes it: where no image can be pulled.

In flow Debian packages and this machine's CA bundle; out flows an image with `python` and `venv`
as in the image of that name, so that the Containerfile is the same here and elsewhere. What is not
needed to run programs (documentation, the package manager) is left out: every node of the local
cluster imports these bytes, and the time that takes is the time of a cluster's start.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from hack.images import archive, debian
from hack.images.command import IN_OWN_MOUNTS, Command, run
from hack.images.recipe import Recipe, Work, machine_ca_bundle, sources

NAME = "python:3.11-slim"

_PACKAGES = ("python3", "python3-venv", "python-is-python3", "ca-certificates")
_TRIMMED = (
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/zoneinfo/right",
    *("usr/share/bash-completion", "usr/share/lintian", "usr/share/perl5"),
    *("usr/lib/*/gconv", "usr/lib/*/perl-base", "usr/bin/perl*"),
    *("usr/lib/apt", "usr/lib/*/libapt-*", "usr/bin/apt*", "etc/apt", "var/lib/apt"),
    *("usr/lib/dpkg", "usr/bin/dpkg*", "var/lib/dpkg/info"),
    *("var/cache/apt", "var/cache/debconf", "var/log/*"),
)


def recipe() -> Recipe:
    """How the base image is made."""
    return Recipe(
        names=[NAME],
        about=f"Debian {debian.SUITE} with Python 3.11: base of the operator's image",
        inputs=_inputs,
        make=_make,
    )


def _inputs() -> list[str | bytes]:
    return [*sources(__file__, archive.__file__), machine_ca_bundle().read_bytes()]


def _make(work: Work) -> None:
    debian.require_root(f"making {NAME}")
    debian.require(
        {"debootstrap": "debootstrap", "unshare": "util-linux"},
        scratch=work.scratch,
        say=work.say,
    )
    work.say("this takes about a minute")
    root = work.scratch / "root"
    run(_bootstrap(root, work), say=work.say)
    shutil.copyfile(machine_ca_bundle(), root / "etc/ssl/certs/ca-certificates.crt")
    trim(root)
    layer = work.scratch / "layer.tar"
    run(_pack(root, layer, work), say=work.say)
    archive.write_archive(
        work.out,
        archive.Image(
            names=work.names,
            layers=[layer],
            command=["python3"],
            environment={
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LANG": "C.UTF-8",
            },
        ),
    )


def trim(root: Path) -> None:
    """Removes from the file tree `root` what running programs do not need."""
    for pattern in _TRIMMED:
        for path in root.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _bootstrap(root: Path, work: Work) -> Command:
    packages = ",".join(_PACKAGES)

    return Command(
        title=f"installing Debian {debian.SUITE} with Python",
        argv=[
            *IN_OWN_MOUNTS,
            "debootstrap",
            "--variant=minbase",
            f"--include={packages}",
            debian.SUITE,
            str(root),
            debian.archive_uri(),
        ],
        log=work.scratch / "debootstrap.log",
    )


def _pack(root: Path, layer: Path, work: Work) -> Command:
    # The container's engine puts its own content into these three.
    excluded = [f"--exclude=./{folder}/*" for folder in ("dev", "proc", "sys")]

    return Command(
        title=f"packing {NAME}",
        argv=[
            *("tar", "--create", "--sort=name", "--numeric-owner", *excluded),
            *("--directory", str(root), "--file", str(layer), "."),
        ],
        log=work.scratch / "tar.log",
    )
