"""The CustomResourceDefinitions of COSI, from the Go module that carries them.

In flows the committed module `hack/tools/cosi-crds`, whose go.sum verifies what is downloaded; out
flows YAML to apply. Stories that need a COSI controller play its part themselves: only the kinds
are real here.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from hack.cluster.error import ClusterError
from hack.cluster.golang import find_go
from hack.cluster.report import Say, to_stderr
from hack.cluster.tools import MODULES, Toolbox, cache_home

_MODULE = "sigs.k8s.io/container-object-storage-interface-api"


def crds(say: Say = to_stderr) -> str:
    """The CRDs as YAML, with the approval annotation that the API server asks for.

    Raises:
        ClusterError: the module can't be had.
    """
    go = str(find_go(cache_home(), say))
    _output(go, "mod", "download", _MODULE)
    folder = _output(go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", _MODULE).strip()
    kubectl = str(Toolbox(say=say).path("kubectl"))

    return _output(kubectl, "kustomize", folder)


def _output(*command: str, folder: Path = MODULES / "cosi-crds") -> str:
    finished = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "GOWORK": "off", "GOFLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise ClusterError("COSI CRDs", finished.stderr)

    return finished.stdout
