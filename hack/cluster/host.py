"""What the host must be and have: asked before anything starts, answered with what to do.

The control-plane profile needs Linux or another Unix and free ports. The full profile needs Linux,
root and the programs of a few Debian packages, which are installed when they are missing.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
from pathlib import Path

from hack.cluster.error import ClusterError
from hack.cluster.plan import LOOPBACK, Profile
from hack.cluster.report import Say

_SEARCHED = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
_OTHERWISE = (
    "run as root on Linux; or use the control-plane profile, which needs no root; "
    "or any other cluster by its kubeconfig"
)
CNI_PLUGINS = Path("/usr/lib/cni")
PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "nft": "nftables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "nsenter": "util-linux",
}


def require(profile: Profile, say: Say) -> None:
    """Makes sure that the host can run `profile`, and installs what it lacks.

    Raises ClusterError, which says why not and what to do.
    """
    error = unfit(profile, system=platform.system(), user=os.geteuid())
    if error is not None:
        raise error

    if profile is Profile.FULL:
        _install_missing(say)
        _probe_namespaces()


def unfit(profile: Profile, *, system: str, user: int) -> ClusterError | None:
    """Why `profile` cannot run on this `system` (uname's word) for this user id; None: it can."""
    if profile is Profile.CONTROL_PLANE:
        return None

    if system != "Linux":
        return ClusterError("full cluster", f"needs Linux, this is {system}", cure=_OTHERWISE)

    if user != 0:
        return ClusterError(
            "full cluster", "needs root (network namespaces, mounts)", cure=_OTHERWISE
        )

    return None


def program(name: str) -> str:
    """The path of a program of the host. Raises ClusterError with the package to install."""
    found = shutil.which(name, path=_SEARCHED)
    if found is None:
        package = PACKAGES.get(name, name)
        raise ClusterError(name, "is not installed", cure=f"apt-get install {package}")

    return found


def is_free(port: int) -> bool:
    """Whether `port` of loopback can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False

    return True


def missing_packages() -> list[str]:
    """Debian packages that a full cluster lacks here."""
    missing = [p for name, p in PACKAGES.items() if shutil.which(name, path=_SEARCHED) is None]
    if not (CNI_PLUGINS / "bridge").exists():
        missing.append("containernetworking-plugins")

    return missing


def _install_missing(say: Say) -> None:
    missing = missing_packages()
    if not missing:
        return

    by_hand = f"apt-get install {' '.join(missing)}"
    if shutil.which("apt-get") is None:
        raise ClusterError("packages", f"missing: {' '.join(missing)}", cure=by_hand)

    say(f"installing packages: {' '.join(missing)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    for step in (install, ["apt-get", "update"], install):
        answer = subprocess.run(step, env=environment, capture_output=True, text=True, check=False)
        if answer.returncode == 0 and step is install:
            return

    raise ClusterError("packages", answer.stderr[-1000:] or answer.stdout[-1000:], cure=by_hand)


def _probe_namespaces() -> None:
    """Containers may call us root and still refuse what matters."""
    probe = [program("unshare"), "--net", "--mount", "--pid", "--fork", "true"]
    answer = subprocess.run(probe, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise ClusterError("network namespaces", answer.stderr, cure=_OTHERWISE)
