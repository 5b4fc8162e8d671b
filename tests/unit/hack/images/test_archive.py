"""The image archive: what containerd will find in it."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from hack.images.archive import Entry, Image, write_archive, write_layer

HELLO = Entry(target="/bin/hello", source=b"hello")


def read(archive: Path, member: str) -> bytes:
    with tarfile.open(archive) as tar:
        handle = tar.extractfile(member)
        assert handle is not None
        return handle.read()


def manifest(archive: Path) -> dict[str, Any]:
    entries: list[dict[str, Any]] = json.loads(read(archive, "manifest.json"))
    return entries[0]


def test_the_manifest_names_the_image_its_configuration_and_layers(tmp_path: Path) -> None:
    out = write_archive(tmp_path / "i.tar", Image(names=["local/hello:1"], entries=[HELLO]))

    found = manifest(out)

    assert found["RepoTags"] == ["local/hello:1"]
    assert hashlib.sha256(read(out, found["Config"])).hexdigest() + ".json" == found["Config"]


def test_diff_ids_are_the_digests_of_the_layers_in_order(tmp_path: Path) -> None:
    base = write_layer(tmp_path / "base.tar", [Entry(target="etc/os", source=b"base")])
    image = Image(names=["a:1"], layers=[base], entries=[HELLO])

    out = write_archive(tmp_path / "i.tar", image)

    config = json.loads(read(out, manifest(out)["Config"]))
    digests = [
        "sha256:" + hashlib.sha256(read(out, layer)).hexdigest()
        for layer in manifest(out)["Layers"]
    ]
    assert config["rootfs"]["diff_ids"] == digests
    assert len(digests) == 2


def test_how_the_image_starts_is_in_its_configuration(tmp_path: Path) -> None:
    image = Image(
        names=["a:1"],
        entries=[HELLO],
        entrypoint=["/bin/hello"],
        command=["world"],
        user="65532:65532",
        environment={"PATH": "/bin"},
    )

    out = write_archive(tmp_path / "i.tar", image)

    config = json.loads(read(out, manifest(out)["Config"]))["config"]
    assert config == {
        "User": "65532:65532",
        "Entrypoint": ["/bin/hello"],
        "Cmd": ["world"],
        "Env": ["PATH=/bin"],
        "WorkingDir": "/",
    }


def test_a_layer_holds_files_links_folders_and_missing_parents_once(tmp_path: Path) -> None:
    entries = [
        Entry(target="/usr/bin/a", source=b"a"),
        Entry(target="/usr/bin/b", link="a"),
        Entry(target="/tmp", mode=0o1777),
        Entry(target="/data", owner=(65532, 65532)),
    ]

    layer = write_layer(tmp_path / "layer.tar", entries)

    with tarfile.open(layer) as tar:
        members = {member.name: member for member in tar.getmembers()}
        assert tar.getnames() == ["usr", "usr/bin", "usr/bin/a", "usr/bin/b", "tmp", "data"]

    assert members["usr/bin"].isdir()
    assert members["usr/bin/b"].linkname == "a"
    assert members["tmp"].mode == 0o1777
    assert (members["data"].uid, members["data"].gid) == (65532, 65532)


def test_equal_input_makes_an_equal_file(tmp_path: Path) -> None:
    image = Image(names=["a:1"], entries=[HELLO])

    first, second = (write_archive(tmp_path / name, image) for name in ("1.tar", "2.tar"))

    assert first.read_bytes() == second.read_bytes()


def test_a_missing_source_leaves_no_file_behind(tmp_path: Path) -> None:
    image = Image(names=["a:1"], entries=[Entry(target="a", source=tmp_path / "missing")])

    with pytest.raises(FileNotFoundError):
        write_archive(tmp_path / "out" / "i.tar", image)

    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("image", [Image(names=[], entries=[HELLO]), Image(names=["a:1"])])
def test_an_image_without_name_or_content_is_refused(tmp_path: Path, image: Image) -> None:
    with pytest.raises(ValueError, match="image"):
        write_archive(tmp_path / "i.tar", image)
