"""Chainsaw, run on some stories against one cluster.

In flow stories and values; out flow Chainsaw's exit code and its JUnit report. Scripts of stories
find kubectl, `story` (hack/e2e/bin) and the cluster by their environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.cluster import Cluster
from hack.cluster.tools import Toolbox
from hack.e2e.story import STORIES, Story

_BIN = Path(__file__).resolve().parent / "bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chainsaw:
    """Chainsaw against `cluster`; `work` is a folder for reports."""

    cluster: Cluster
    work: Path
    parallel: int

    def run(self, stories: Sequence[Story], *, name: str, parallel: int | None = None) -> int:
        """Runs the stories and returns the exit code; the report is `report(name)`."""
        values = self.work / "values.yaml"
        values.write_text(json.dumps({"s3": self._s3()}))
        values.chmod(0o600)
        arguments = [
            *(str(Toolbox().path("chainsaw")), "test", "--config", str(STORIES / ".chainsaw.yaml")),
            *("--values", str(values), "--parallel", str(parallel or self.parallel)),
            *("--report-format", "JUNIT-TEST"),
            *("--report-path", str(self.work), "--report-name", name, "--no-color", "--quiet"),
        ]
        for story in stories:
            arguments += ["--test-dir", str(story.folder)]

        return subprocess.run(arguments, env=self._environment(), check=False).returncode

    def report(self, name: str) -> Path:
        """Where the report of a run called `name` is."""
        return self.work / f"{name}.xml"

    def _s3(self) -> dict[str, str]:
        store = self.cluster.s3
        return {
            "endpoint": store.endpoint,
            "region": store.region,
            "accessKey": store.keys.access,
            "secretKey": store.keys.secret,
        }

    def _environment(self) -> dict[str, str]:
        tools = Toolbox().path("kubectl").parent
        root = str(STORIES.parent)
        return {
            **os.environ,
            "PATH": f"{_BIN}:{tools}:{os.environ['PATH']}",
            "KUBECONFIG": str(self.cluster.kubeconfig()),
            "PYTHONPATH": root,
            "STORY_CLUSTER": self.cluster.name,
            "STORY_PYTHON": sys.executable,
            "STORY_CONFIG": f"{root}/config",
        }
