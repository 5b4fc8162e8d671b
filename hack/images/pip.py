"""pip's settings on this machine, in the form in which they can be handed to a build.

In flow environment variables `PIP_*` and pip's configuration files; out flow one configuration file
(text) and the local paths that it refers to, which a build has to mount. An index may have a
password in its address: the text is for a secret of the build and nowhere else.

Rules: https://pip.pypa.io/en/stable/topics/configuration/ (order of precedence; list values).
"""

from __future__ import annotations

import configparser
import io
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Settings of where packages come from; others (a target folder, a user install) are the host's.
_WANTED = frozenset(
    {"cert", "client-cert", "extra-index-url", "find-links", "index-url", "no-index"}
    | {"proxy", "retries", "timeout", "trusted-host", "default-timeout"}
)
_SECTIONS = ("global", "install")


@dataclass(frozen=True, slots=True)
class PipSettings:
    """A configuration file's `text`, and the local `paths` that must exist where it is used."""

    text: str = field(repr=False)
    paths: tuple[Path, ...]


def read_settings(environ: Mapping[str, str], *, home: Path) -> PipSettings:
    """The settings in force for a process with `environ`: variables win over files."""
    values: dict[str, str] = {}
    for file in configuration_files(environ, home=home):
        values |= _of_file(file)

    for name, value in environ.items():
        setting = name.removeprefix("PIP_").lower().replace("_", "-")
        if name.startswith("PIP_") and value:
            values[setting] = value

    wanted = {name: " ".join(value.split()) for name, value in values.items() if name in _WANTED}

    return PipSettings(text=_written(wanted), paths=tuple(_local_paths(wanted.values())))


def configuration_files(environ: Mapping[str, str], *, home: Path) -> list[Path]:
    """The configuration files of pip that exist, the weakest first."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == "/dev/null":
        return []

    candidates = [
        Path("/etc/pip.conf"),
        home / ".pip" / "pip.conf",
        Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf",
        Path(sys.prefix) / "pip.conf",
        *([Path(named)] if named else []),
    ]

    return [path for path in candidates if path.is_file()]


def _of_file(file: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    parser.read_string(file.read_text(), source=str(file))
    values: dict[str, str] = {}
    for section in _SECTIONS:
        if parser.has_section(section):
            values |= {name.replace("_", "-"): value for name, value in parser.items(section)}

    return values


def _written(values: Mapping[str, str]) -> str:
    parser = configparser.RawConfigParser()
    parser["global"] = dict(sorted(values.items()))
    out = io.StringIO()
    parser.write(out)

    return out.getvalue()


def _local_paths(values: Iterable[str]) -> list[Path]:
    found = {Path(word) for value in values for word in value.split() if word.startswith("/")}

    return sorted(path for path in found if path.exists())
