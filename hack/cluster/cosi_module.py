"""COSI's Go modules as data: their folders, and the CustomResourceDefinitions that one carries.

In flows the committed module `hack/tools/cosi`, whose go.sum verifies what is downloaded; out flow
paths, and YAML to apply.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from hack.cluster.error import ClusterError
from hack.cluster.golang import find_go
from hack.cluster.report import Say, to_stderr
from hack.cluster.tools import Toolbox, cache_home

_API = "sigs.k8s.io/container-object-storage-interface-api"


def folder(module: str, *, say: Say = to_stderr) -> Path:
    """The verified folder of a module that COSI is built with.

    Raises ClusterError when it can't be had.
    """
    go = str(find_go(cache_home(), say))
    _output(go, "mod", "download", module)

    return Path(_output(go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module).strip())


def crds(toolbox: Toolbox) -> str:
    """The CRDs as YAML, with the approval annotation that the API server asks for.

    They are kept beside the tools of the same go.sum. Raises ClusterError when they can't be had.
    """
    kept = toolbox.location("cosi-controller").parents[1] / "crds.yaml"
    if not kept.exists():
        found = _output(str(toolbox.path("kubectl")), "kustomize", str(folder(_API)))
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}")
        partial.write_text(found)
        partial.replace(kept)

    return kept.read_text()


def _output(*command: str) -> str:
    finished = subprocess.run(
        command,
        cwd=Toolbox().module_folder("cosi-controller"),
        env={**os.environ, "GOWORK": "off", "GOFLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise ClusterError("COSI's modules", finished.stderr)

    return finished.stdout
