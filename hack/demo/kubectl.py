"""kubectl as the demo uses it, against one kubeconfig.

In flow arguments; out flow its output, or a ClusterError with its last words.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.error import ClusterError
from hack.cluster.report import Say

_STEP_SECONDS = 0.5
_CONDITION = '{range .status.conditions[?(@.type=="Ready")]}{.status} {.reason}: {.message}{end}'


@dataclass(frozen=True, slots=True)
class Kubectl:
    """The program at `path`; `kubeconfig` None means the user's own."""

    path: Path
    kubeconfig: Path | None = None

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """The output of a command. Raises ClusterError when it fails."""
        finished = subprocess.run(
            [self.path, *arguments],
            env=self._environment(),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            raise ClusterError(f"kubectl {' '.join(arguments)}", finished.stderr)

        return finished.stdout

    def await_ready(self, namespace: str, registry: str, *, say: Say, seconds: float) -> None:
        """Waits for a Registry, telling each turn of its condition Ready.

        Raises ClusterError with the last of it when time is up.
        """
        deadline = time.monotonic() + seconds
        told = ""
        while not told.startswith("True"):
            command = ("-n", namespace, "get", "registry", registry)
            now = self(*command, "-o", f"jsonpath={_CONDITION}")
            if now and now != told:
                say(f"  Ready={now}")
                told = now
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"Registry {registry}",
                    f"is not ready after {seconds:.0f} s: {told or 'it has no status yet'}",
                    cure=f"kubectl -n {namespace} describe registry {registry}",
                )
            time.sleep(_STEP_SECONDS)

    def _environment(self) -> Mapping[str, str]:
        if self.kubeconfig is None:
            return os.environ

        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
