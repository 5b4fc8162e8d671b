"""The stories in `chainsaw/`: which there are, and in which phase of a run each has its turn.

In flow folders; out flow `Story`s. A story that changes the cluster for everybody (its CRDs, the
operator's rights) says so by the label `phase` and then runs alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from hack.cluster.error import ClusterError

STORIES = Path(__file__).resolve().parents[2] / "chainsaw"
_FILE = "chainsaw-test.yaml"
_LABEL = "registry-operator.dev/phase"


class Phase(IntEnum):
    """When a story runs."""

    BEFORE_COSI = 0  # needs a cluster without the kinds of COSI, and leaves one with them
    TOGETHER = 1  # beside others, in a namespace of its own
    ALONE = 2  # changes what others rely on, and puts it back
    UNDER_NARROW_RIGHTS = 3  # takes rights from the operator: its 403s are meant


@dataclass(frozen=True, slots=True)
class Story:
    """One Chainsaw test: its folder, named AREA-STORY, and its phase."""

    folder: Path
    phase: Phase

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name


def stories(pattern: str, *, home: Path = STORIES) -> list[Story]:
    """The stories whose names match a shell pattern.

    Raises:
        ClusterError: none does.
    """
    found = [
        Story(path.parent, _phase(path))
        for path in sorted(home.glob(f"*/{_FILE}"))
        if fnmatchcase(path.parent.name, pattern)
    ]
    if not found:
        known = ", ".join(sorted(path.parent.name for path in home.glob(f"*/{_FILE}")))
        raise ClusterError(f"stories {pattern}", "none matches", cure=f"use one of {known}")

    return found


def _phase(path: Path) -> Phase:
    labels = yaml.safe_load(path.read_text())["metadata"].get("labels") or {}
    name = labels.get(_LABEL, Phase.TOGETHER.name).upper().replace("-", "_")

    return Phase[name]
