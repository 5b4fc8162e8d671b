"""The committed CRDs are those of the models."""

from pathlib import Path

import yaml

from hack.generate import crds
from hack.generate.file import drift

_ROOT = Path(__file__).parents[4]


def test_the_committed_crds_are_up_to_date() -> None:
    assert drift(_ROOT, crds.files()) == ""


def test_a_crd_is_named_by_its_plural_and_says_where_it_comes_from() -> None:
    files = {file.path: file.text for file in crds.files()}

    assert files.keys() == {
        Path("crds", "registries.yaml"),
        Path("crds", "registrytemplates.yaml"),
    }
    for text in files.values():
        assert text.startswith("# Generated")
        assert yaml.safe_load(text)["kind"] == "CustomResourceDefinition"


def test_every_crd_is_in_what_kustomize_installs() -> None:
    listed = yaml.safe_load((_ROOT / "crds" / "kustomization.yaml").read_text())["resources"]

    assert sorted(listed) == sorted(file.path.name for file in crds.files())
