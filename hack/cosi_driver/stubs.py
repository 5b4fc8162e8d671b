"""`python -m hack.cosi_driver.stubs [--check]`: the messages of COSI's published proto, as Python.

In flows the proto of the Go module that the sidecar is built with, verified by the go.sum of
`hack/tools/cosi`; out flow the files in `proto/`. They are committed, so that nothing but this
command needs Go and protoc, and a test among the integration tests holds them to the proto.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from hack.cluster.cosi_module import folder
from hack.cluster.error import ClusterError
from hack.generate.file import GeneratedFile, drift, write

ROOT = Path(__file__).resolve().parents[2]
MODULE = "sigs.k8s.io/container-object-storage-interface/proto"
_PROTO = "cosi.proto"
_OUT = Path(__file__).resolve().parent.relative_to(ROOT) / "proto"


def files() -> Iterator[GeneratedFile]:
    """What `proto/` must hold. Raises ClusterError when proto or compiler can't be had."""
    source = folder(MODULE)
    with tempfile.TemporaryDirectory(prefix="cosi-stubs-") as out:
        command = [
            *(sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={source}"),
            *(f"--python_out={out}", f"--pyi_out={out}", _PROTO),
        ]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise ClusterError("COSI's proto", answer.stderr, cure="make venv")

        for path in sorted(Path(out).iterdir()):
            yield GeneratedFile(_OUT / path.name, path.read_text(encoding="utf-8"))


def main(arguments: Sequence[str]) -> int:
    """Writes the files, or with `--check` shows how they differ from what they must be."""
    if "--check" in arguments:
        difference = drift(ROOT, files())
        print(difference, end="")

        return 1 if difference else 0

    for path in write(ROOT, files()):
        print(path)

    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
