"""What an image is to the cache: its names, what it depends on, and how it is made.

In flow the inputs of one image; out flows its tar at the place that `Work` names. Recipes are made
by the modules that know an image's content (`base`, `operand`, `operator`), listed by `catalogue`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.report import Say


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Where one image is made, and under which `names`.

    `out` is the tar to write, `scratch` a folder that goes away, `lasting` one that stays between
    builds, for what only makes them faster. `image` gives the tar of another image of the
    catalogue, making it when it is missing.
    """

    names: Sequence[str]
    out: Path
    scratch: Path
    lasting: Path
    say: Say
    image: Callable[[str], Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """An image: its names (`NAME:TAG`, the first identifies it), what it is for, how it is made.

    `inputs` gives everything that the content depends on; it is called often and must be quick.
    """

    names: Sequence[str]
    about: str
    inputs: Callable[[], Sequence[str | bytes]]
    make: Callable[[Work], None]

    @property
    def name(self) -> str:
        """The identifying name."""
        return self.names[0]


def sources(*modules: str) -> list[bytes]:
    """The text of the modules that make an image (their `__file__`): editing one is an input."""
    return [Path(module).read_bytes() for module in modules]


def machine_ca_bundle() -> Path:
    """This machine's CA bundle, which the images carry so that they trust what it trusts.

    Without it, nothing behind a machine's own proxy or mirror could be reached from inside.
    """
    return Path("/etc/ssl/certs/ca-certificates.crt")
