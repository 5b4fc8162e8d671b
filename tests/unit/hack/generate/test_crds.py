"""The committed CRDs are those of the models."""

from pathlib import Path

import yaml

from hack.generate import crds
from hack.generate.file import drift

_ROOT = Path(__file__).parents[4]


def test_the_committed_crds_are_up_to_date() -> None:
    assert drift(_ROOT, crds.files()) == ""


def test_a_crd_is_named_by_its_plural_and_says_where_it_comes_from() -> None:
    (file,) = crds.files()

    assert file.path == Path("crds", "registries.yaml")
    assert file.text.startswith("# Generated")
    assert yaml.safe_load(file.text)["kind"] == "CustomResourceDefinition"
