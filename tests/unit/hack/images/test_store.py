"""The cache gives an image back only for the inputs that it was made of, whole, and stays small."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hack.images.store import Store, image_key, slug


def _stored(store: Store, key: str, *, at: float = 0.0) -> Path:
    with store.making(key) as scratch:
        tar = scratch / "tar"
        tar.write_bytes(b"image")
        path = store.put(key, tar)

    if at:
        os.utime(path.parent, (at, at))

    return path


@pytest.mark.parametrize(
    ("name", "expected"),
    [("local/client:1", "local-client-1"), ("python:3.11-slim", "python-3.11-slim")],
)
def test_a_name_becomes_a_file_name(name: str, expected: str) -> None:
    assert expected == slug(name)


def test_the_key_is_the_same_for_the_same_inputs() -> None:
    assert image_key("a:1", ["x", "y"]) == image_key("a:1", [b"x", b"y"])


@pytest.mark.parametrize("other", [["x"], ["y", "x"], ["xy"], ["x", "y", ""], ["x", "Y"]])
def test_the_key_changes_with_every_input_their_order_and_their_borders(other: list[str]) -> None:
    assert image_key("a:1", ["x", "y"]) != image_key("a:1", other)


def test_what_was_put_is_found_under_its_key_and_the_scratch_folder_is_gone(tmp_path: Path) -> None:
    store = Store(tmp_path / "images")

    path = _stored(store, "a-1")

    assert path == store.path("a-1")
    assert path.read_bytes() == b"image"
    assert [p.name for p in store.root.iterdir() if p.is_dir()] == ["a-1"]


def test_a_failure_while_making_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    store = Store(tmp_path)

    with pytest.raises(IsADirectoryError), store.making("a-1") as scratch:
        scratch.write_bytes(b"half")

    assert not store.path("a-1").exists()
    assert [p for p in tmp_path.iterdir() if p.is_dir()] == []


def test_pruning_keeps_the_newest_of_one_name_and_everything_of_others(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keys = [image_key("registry:3", [str(n)]) for n in range(4)]
    for age, key in enumerate(keys):
        _stored(store, key, at=1000.0 - age)

    other = image_key("registry:3.0.0", ["x"])
    _stored(store, other, at=1.0)

    removed = store.prune("registry:3", keep=2)

    assert set(keys[2:]) == set(removed)
    assert {*keys[:2], other} == {p.name for p in tmp_path.iterdir() if p.is_dir()}


def test_an_image_in_use_counts_as_new(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old, newer = (image_key("a:1", [n]) for n in "on")
    _stored(store, old, at=1.0)
    _stored(store, newer, at=2.0)

    store.used(old)

    assert [newer] == store.prune("a:1", keep=1)


def test_stats_count_images_and_bytes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _stored(store, "a-1")
    _stored(store, "b-1")

    assert (store.stats().images, store.stats().size) == (2, 10)
