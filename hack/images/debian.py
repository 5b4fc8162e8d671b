"""What the images take from Debian, by the ordinary clients apt-get, dpkg and debootstrap.

In flow names of packages and commands; out flow unpacked files, or commands that now exist. The
archive is the one that this machine is set up to use: it is asked for, never written down.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.report import Say
from hack.images.command import Command, run
from hack.images.errors import ImageError

SUITE = "bookworm"

_INDEX_FORMAT = "$(REPO_URI) $(CODENAME) $(COMPONENT) $(CREATED_BY)"


@dataclass(frozen=True, slots=True)
class Package:
    """An unpacked package: its Debian version and the folder that stands for `/`."""

    version: str
    folder: Path


def require(commands: Mapping[str, str], *, scratch: Path, say: Say) -> None:
    """Installs the packages of missing `commands` (command to package).

    Raises ImageError that names the packages when this process may not install.
    """
    missing = [package for command, package in commands.items() if shutil.which(command) is None]
    if not missing:
        return

    install = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "-y"]
    install += ["--no-install-recommends", *missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ImageError(
            f"missing here: {', '.join(missing)}. Run as root on Debian 12, or first: "
            f"{' '.join(install)}"
        )

    _with_fresh_index(
        Command(
            title=f"installing {', '.join(missing)}",
            argv=install,
            log=scratch / "apt.log",
            environment={"DEBIAN_FRONTEND": "noninteractive"},
        ),
        say=say,
    )


def require_root(what: str) -> None:
    """Raises ImageError when this process is not root's, which `what` needs."""
    if os.geteuid() != 0:
        raise ImageError(f"{what} needs root (chroot and mounts): run the same command as root")


def unpack(package: str, *, scratch: Path, say: Say) -> Package:
    """Downloads `package` and unpacks it below `scratch` without installing it."""
    if shutil.which("apt-get") is None:
        raise ImageError(f"{package} comes from Debian by apt-get, which this machine has not")

    downloads = scratch / f"{package}.download"
    folder = scratch / package
    downloads.mkdir()
    log = scratch / "apt.log"
    # As root, apt-get would drop to a user that may not write here, and warn about it.
    argv = ["apt-get", "-o", "APT::Sandbox::User=", "download", package]
    _with_fresh_index(
        Command(title=f"downloading {package}", argv=argv, log=log, directory=downloads), say=say
    )
    (archive,) = downloads.glob("*.deb")
    unpacking = ["dpkg-deb", "--extract", str(archive), str(folder)]
    run(Command(title=f"unpacking {package}", argv=unpacking, log=log), say=say)

    fields = subprocess.run(
        ["dpkg-deb", "--field", archive, "Version"], check=True, capture_output=True, text=True
    )

    return Package(version=fields.stdout.strip(), folder=folder)


def archive_uri() -> str:
    """The Debian archive that this machine's apt uses for `SUITE`.

    Raises ImageError when apt knows of none.
    """
    if shutil.which("apt-get") is None:
        raise ImageError(f"a Debian {SUITE} base needs apt-get and its sources on this machine")

    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", _INDEX_FORMAT],
        check=True,
        capture_output=True,
        text=True,
    )

    return _archive_of(listed.stdout)


def _archive_of(listing: str) -> str:
    wanted = [SUITE, "main", "Packages"]
    for line in listing.splitlines():
        uri, *index = line.split()
        if index == wanted:
            return uri

    raise ImageError(
        f"apt on this machine has no source for Debian {SUITE} main: add one to its sources"
    )


def _with_fresh_index(command: Command, *, say: Say) -> None:
    try:
        run(command, say=say)
    except ImageError as error:
        if os.geteuid() != 0:
            raise

        say(f"{command.title} did not work ({str(error).splitlines()[0]}): refreshing the index")
        update = Command(title="apt-get update", argv=["apt-get", "update"], log=command.log)
        run(update, say=say)
        run(command, say=say)
