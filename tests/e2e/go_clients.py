"""Others' clients, which push and pull an image once: crane, and skopeo where it is installed.

Unlike ours they may try again what failed; they show that ours knows the protocol.
"""

import shutil
from pathlib import Path

from hack.cluster.cluster import Cluster
from hack.cluster.report import to_nowhere
from hack.cluster.tools import Toolbox
from hack.images.catalogue import image
from hack.load.address import Address

_IMAGE = "local/broken:1"


def crane(cluster: Cluster, address: Address, folder: Path) -> None:
    """Pushes and pulls by crane. Raises ClusterError when that fails."""
    program, tar = str(Toolbox(say=to_nowhere).path("crane")), image(_IMAGE, say=to_nowhere)
    name = f"{address.host}:{address.port}/others/crane:1"
    cluster.run([program, "push", "--insecure", str(tar), name])
    cluster.run([program, "pull", "--insecure", name, str(folder / "crane.tar")])


def skopeo(cluster: Cluster, address: Address, folder: Path) -> bool:
    """Pushes and pulls by skopeo; False where there is none (it is a package of Debian)."""
    program = shutil.which("skopeo")
    if program is None:
        return False
    name = f"docker://{address.host}:{address.port}/others/skopeo:1"
    copy, tar = [program, "--insecure-policy", "copy"], image(_IMAGE, say=to_nowhere)
    cluster.run([*copy, "--dest-tls-verify=false", f"docker-archive:{tar}", name])
    cluster.run([*copy, "--src-tls-verify=false", name, f"dir:{folder / 'skopeo'}"])
    return True
