"""The real programs say which release they are, and end, when they are asked as the operator does."""

import subprocess
from pathlib import Path

import pytest

from registry_operator.distribution.probe import CONFIGURATION, version_in
from registry_operator.distribution.release import Release, release_of_tag

pytestmark = pytest.mark.integration

# What the kubelet keeps of a log (k8s.io/kubernetes/pkg/kubelet/container/runtime.go).
_LONGEST_MESSAGE, _MOST_LINES = 2048, 80


def test_it_says_its_release_and_ends_with_an_error(
    binary: Path, release: Release, tmp_path: Path
) -> None:
    file = tmp_path / "config.yml"
    file.write_text(CONFIGURATION)
    ended = subprocess.run(
        [binary, "serve", file],
        env={"OTEL_TRACES_EXPORTER": "none"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    said = ended.stdout + ended.stderr

    assert ended.returncode == 1
    assert release_of_tag(version_in(said)) == release
    assert len(said) < _LONGEST_MESSAGE
    assert said.count("\n") < _MOST_LINES
