"""crds/PLURAL.yaml: one CustomResourceDefinition for each kind of `crd.DEFINITIONS`."""

from collections.abc import Iterator
from pathlib import Path

from hack.generate.file import GeneratedFile
from registry_operator.api.crd import DEFINITIONS, crd, to_yaml

_HEADER = "# Generated from registry_operator/api by `make generate`; do not edit.\n---\n"


def files() -> Iterator[GeneratedFile]:
    """The CRDs of all our kinds."""
    for definition in DEFINITIONS:
        yield GeneratedFile(
            Path("crds", f"{definition.plural}.yaml"), _HEADER + to_yaml(crd(definition))
        )
