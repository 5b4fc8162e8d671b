"""An image is made when it is missing, once for its inputs, and a failure leaves nothing behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from hack.images.__main__ import main
from hack.images.catalogue import Catalogue, default_catalogue
from hack.images.errors import ImageError
from hack.images.recipe import Recipe, Work
from hack.images.store import Store


class _Kitchen:
    """Makes images of one byte string, and remembers which."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.text = "first"

    def recipe(self, *names: str, needs: Sequence[str] = ()) -> Recipe:
        def make(work: Work) -> None:
            for need in needs:
                work.say(f"on {work.image(need).read_text()}")

            self.made.append(work.names[0])
            work.out.write_text(self.text)

        return Recipe(names=names, about="a test", inputs=lambda: [self.text], make=make)


def _catalogue(tmp_path: Path, *recipes: Recipe, told: list[str] | None = None) -> Catalogue:
    lines = told if told is not None else []

    return Catalogue(recipes, store=Store(tmp_path / "images"), say=lines.append)


def test_an_image_is_made_once_and_found_under_all_of_its_names(tmp_path: Path) -> None:
    kitchen = _Kitchen()
    catalogue = _catalogue(tmp_path, kitchen.recipe("a:1", "a:1.2"))

    paths = {catalogue.image("a:1"), catalogue.image("a:1.2"), catalogue.image("a:1")}

    assert len(paths) == 1
    assert paths.pop().read_text() == "first"
    assert kitchen.made == ["a:1"]


def test_an_image_is_made_again_when_an_input_has_changed(tmp_path: Path) -> None:
    kitchen = _Kitchen()
    catalogue = _catalogue(tmp_path, kitchen.recipe("a:1"))
    before = catalogue.image("a:1")
    kitchen.text = "second"

    after = catalogue.image("a:1")

    assert (before != after, after.read_text()) == (True, "second")
    assert before.exists()


def test_an_image_that_needs_another_makes_it_first(tmp_path: Path) -> None:
    kitchen = _Kitchen()
    told: list[str] = []
    catalogue = _catalogue(
        tmp_path, kitchen.recipe("base:1"), kitchen.recipe("top:1", needs=["base:1"]), told=told
    )

    catalogue.image("top:1")

    assert kitchen.made == ["base:1", "top:1"]
    assert "image top:1: on first" in told


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    catalogue = _catalogue(tmp_path, _Kitchen().recipe("a:1", "a:2"))

    with pytest.raises(ImageError, match="no image is called b:1: known are a:1, a:2"):
        catalogue.image("b:1")


def test_a_failure_leaves_the_image_missing(tmp_path: Path) -> None:
    def fail(work: Work) -> None:
        work.out.write_text("half")
        raise ImageError("no luck")

    broken = Recipe(names=["a:1"], about="a test", inputs=list, make=fail)
    catalogue = _catalogue(tmp_path, broken)

    with pytest.raises(ImageError, match="no luck"):
        catalogue.image("a:1")

    assert catalogue.listed()[0].size is None
    assert catalogue.stats().images == 0


def test_an_edit_during_a_build_makes_the_image_again(tmp_path: Path) -> None:
    texts = ["before", "after"]
    made: list[str] = []

    def make(work: Work) -> None:
        made.append(texts[0])
        work.out.write_text(made[-1])
        del texts[:-1]

    edited = Recipe(names=["a:1"], about="a test", inputs=lambda: texts[:1], make=make)

    path = _catalogue(tmp_path, edited).image("a:1")

    assert made == ["before", "after"]
    assert path.read_text() == "after"


def test_a_source_that_never_rests_is_an_error(tmp_path: Path) -> None:
    edits: list[str] = []

    def make(work: Work) -> None:
        edits.append("x")
        work.out.touch()

    restless = Recipe(names=["a:1"], about="a test", inputs=lambda: edits, make=make)

    with pytest.raises(ImageError, match="changed during each of 5 builds"):
        _catalogue(tmp_path, restless).image("a:1")


def test_the_list_tells_made_from_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kitchen = _Kitchen()
    catalogue = _catalogue(tmp_path, kitchen.recipe("a:1"), kitchen.recipe("b:1"))
    catalogue.image("b:1")

    assert main(["list"], catalogue) == 0

    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0][:2] == ["a:1", "missing"]
    assert rows[2][:3] == ["b:1", "0", "MB"]


def test_building_without_names_makes_everything_and_prints_the_paths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kitchen = _Kitchen()
    catalogue = _catalogue(tmp_path, kitchen.recipe("a:1"), kitchen.recipe("b:1"))

    assert main(["build"], catalogue) == 0

    assert kitchen.made == ["a:1", "b:1"]
    assert [str(row.path) for row in catalogue.listed()] == capsys.readouterr().out.splitlines()


def test_an_error_is_one_line_on_stderr_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["path", "b:1"], _catalogue(tmp_path, _Kitchen().recipe("a:1"))) == 1

    captured = capsys.readouterr()
    assert (captured.out, captured.err.startswith("error: no image is called b:1")) == ("", True)


def test_names_in_the_projects_table_are_unique_and_carry_no_host() -> None:
    names = [name for row in default_catalogue().listed() for name in row.names]

    assert len(names) == len(set(names))
    assert [name for name in names if "." in name.partition("/")[0] and "/" in name] == []
    assert {"registry:2", "registry:3.1.2", "registry:3.0.0", "registry-operator:dev"} <= set(names)
