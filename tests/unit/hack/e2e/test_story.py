"""Which stories there are, and when each has its turn."""

from pathlib import Path

import pytest
import yaml

from hack.cluster.error import ClusterError
from hack.e2e.story import STORIES, Phase, stories

_AREAS = {"registry", "upgrade", "operator", "storage", "availability"}


def a_story(home: Path, name: str, labels: dict[str, str] | None = None) -> None:
    (home / name).mkdir()
    content = {"kind": "Test", "metadata": {"name": name, "labels": labels or {}}}
    (home / name / "chainsaw-test.yaml").write_text(yaml.safe_dump(content))


def test_stories_are_picked_by_a_shell_pattern(tmp_path: Path) -> None:
    for name in ("registry-scale", "registry-drift", "operator-restart"):
        a_story(tmp_path, name)

    assert [story.name for story in stories("registry-*", home=tmp_path)] == [
        "registry-drift",
        "registry-scale",
    ]


def test_a_pattern_without_story_names_those_that_there_are(tmp_path: Path) -> None:
    a_story(tmp_path, "registry-scale")

    with pytest.raises(ClusterError, match="registry-scale"):
        stories("nothing-*", home=tmp_path)


def test_a_story_that_changes_the_cluster_for_all_runs_alone(tmp_path: Path) -> None:
    a_story(tmp_path, "operator-restart", {"registry-operator.dev/phase": "alone"})
    a_story(tmp_path, "registry-scale")

    assert [story.phase for story in stories("*", home=tmp_path)] == [Phase.ALONE, Phase.TOGETHER]


def test_every_story_of_ours_is_named_after_its_folder_and_area() -> None:
    for story in stories("*"):
        test = yaml.safe_load((story.folder / "chainsaw-test.yaml").read_text())

        assert test["metadata"]["name"] == story.name
        assert story.name.split("-")[0] in _AREAS
        assert test["spec"]["description"].strip()


def test_every_step_that_a_story_uses_exists() -> None:
    for path in STORIES.glob("*/chainsaw-test.yaml"):
        for step in yaml.safe_load(path.read_text())["spec"]["steps"]:
            if "use" in step:
                assert (path.parent / step["use"]["template"]).is_file()
