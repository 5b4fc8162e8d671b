"""The Go programs that the local cluster runs, built from the committed modules in `hack/tools`.

In flows the name of a tool (`kube-apiserver`, `crane`); out flows the path of its binary, built
when it is missing. There is one module per family, because mixing them lets minimal version
selection raise somebody's dependencies until they no longer compile. A family's folder in the cache
is keyed by everything that makes its binaries, so changing one family builds that one again and no
other, and old binaries are never mistaken for new ones.

    ${XDG_CACHE_HOME:-~/.cache}/registry-operator/tools/<family>-<key>/bin/<tool>
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hack.cluster.error import ClusterError
from hack.cluster.golang import Program, build, find_go
from hack.cluster.report import Say, to_stderr
from hack.images.archive import architecture

MODULES = Path(__file__).resolve().parent.parent / "tools"
_KUBERNETES = "k8s.io/kubernetes"
_DISTRIBUTION = "github.com/distribution/distribution/v3"
_COSI = "sigs.k8s.io/container-object-storage-interface"
_VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One module and what is built of it: `tools` are package paths by binary name.

    `variables` are Go variables set by the linker; `{version}`, `{major}` and `{minor}` are those
    of module `versioned`.
    """

    name: str
    tools: Mapping[str, str]
    versioned: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def _kubernetes() -> Family:
    commands = (
        *("kube-apiserver", "kube-controller-manager", "kube-scheduler"),
        *("kubelet", "kube-proxy", "kubectl"),
    )
    facts = {
        "gitVersion": "{version}",
        "gitMajor": "{major}",
        "gitMinor": "{minor}",
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
    }

    return Family(
        name="kubernetes",
        tools={"etcd": "go.etcd.io/etcd/server/v3"}
        | {command: f"{_KUBERNETES}/cmd/{command}" for command in commands},
        versioned=_KUBERNETES,
        variables={
            f"{p}.{fact}": value for p in _VERSION_PACKAGES for fact, value in facts.items()
        },
    )


def _registry(minor: str) -> Family:
    return Family(
        name=f"registry-{minor}",
        tools={f"registry-{minor}": f"{_DISTRIBUTION}/cmd/registry"},
        versioned=_DISTRIBUTION,
        variables={f"{_DISTRIBUTION}/version.version": "{version}"},
    )


FAMILIES: tuple[Family, ...] = (
    _kubernetes(),
    Family(name="pause", tools={"pause": "."}),
    Family(name="crane", tools={"crane": "github.com/google/go-containerregistry/cmd/crane"}),
    Family(name="kwok", tools={"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),
    Family(name="coredns", tools={"coredns": "github.com/coredns/coredns"}),
    _registry("3.1"),
    _registry("3.0"),
    Family(name="chainsaw", tools={"chainsaw": "github.com/kyverno/chainsaw"}),
    Family(name="versitygw", tools={"versitygw": "github.com/versity/versitygw/cmd/versitygw"}),
    Family(
        name="cosi",
        tools={
            "cosi-controller": f"{_COSI}/controller/cmd",
            "cosi-sidecar": f"{_COSI}/sidecar/cmd",
        },
    ),
)
FAMILY_OF: Mapping[str, Family] = {tool: family for family in FAMILIES for tool in family.tools}


def cache_home() -> Path:
    """The project's folder in the user's cache (XDG Base Directory Specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "registry-operator"


class Toolbox:
    """The tools in one cache. Two processes never build one family at once."""

    def __init__(
        self, *, cache: Path | None = None, modules: Path = MODULES, say: Say = to_stderr
    ) -> None:
        self._cache = cache or cache_home()
        self._modules = modules
        self._say = say

    def path(self, tool: str) -> Path:
        """The binary of `tool`, built when missing. Raises ClusterError when it cannot be had."""
        return self.ensure([tool])[tool]

    def ensure(self, tools: Iterable[str]) -> dict[str, Path]:
        """The binaries of `tools`; what is missing is built. Raises ClusterError if one fails."""
        paths = {tool: self.location(tool) for tool in tools}
        missing = [tool for tool, path in paths.items() if not path.exists()]
        for number, tool in enumerate(missing, 1):
            with self._lock(FAMILY_OF[tool]):
                if not paths[tool].exists():
                    self._say(f"building {tool} ({number} of {len(missing)})")
                    self._build(tool, paths[tool])

        return paths

    def location(self, tool: str) -> Path:
        """Where the binary of `tool` is or would be. Raises ClusterError for an unknown name."""
        if tool not in FAMILY_OF:
            known = ", ".join(FAMILY_OF)
            raise ClusterError(f"tool {tool}", "no such tool", cure=f"use one of {known}")

        return self._home(FAMILY_OF[tool]) / "bin" / tool

    def module_folder(self, tool: str) -> Path:
        """The committed module folder that `tool` is built from."""
        return self._modules / FAMILY_OF[tool].name

    def program(self, tool: str) -> Program:
        """How `tool` is built."""
        family = FAMILY_OF[tool]
        module = _gomod(self._modules / family.name)

        return Program(
            name=tool,
            package=family.tools[tool],
            folder=self._modules / family.name,
            toolchain=_directive(module, "toolchain"),
            linker_flags=linker_flags(family, module),
        )

    def _build(self, tool: str, out: Path) -> None:
        started = time.monotonic()
        go = find_go(self._cache, self._say)
        log = self._home(FAMILY_OF[tool]) / f"{tool}.log"
        build(go, self.program(tool), out, log=log, say=self._say)
        size = out.stat().st_size >> 20
        self._say(f"  {tool}: {size} MiB in {time.monotonic() - started:.0f} s")

    def _home(self, family: Family) -> Path:
        key = family_key(family, self._modules / family.name)

        return self._cache / "tools" / f"{family.name}-{key}"

    @contextmanager
    def _lock(self, family: Family) -> Iterator[None]:
        home = self._home(family)
        home.mkdir(parents=True, exist_ok=True)
        with (home / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._say(f"waiting: another process is building {family.name}")
                fcntl.flock(handle, fcntl.LOCK_EX)

            yield


def family_key(family: Family, folder: Path) -> str:
    """Twelve hexadecimal digits of everything that makes a family's binaries.

    That is its module's files (go.mod names the Go version) and those of modules that stand in for
    others, its packages and variables, and the architecture.
    """
    digest = hashlib.sha256(f"{family!r} {architecture()}".encode())
    for path in sorted(
        p for p in folder.rglob("*") if p.name in {"go.mod", "go.sum"} or p.suffix == ".go"
    ):
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(folder)}\0{len(content)}\0".encode())
        digest.update(content)

    return digest.hexdigest()[:12]


def linker_flags(family: Family, module: str) -> str:
    """The `-ldflags` of a family whose go.mod has the text `module`."""
    facts = {"version": "", "major": "", "minor": ""}
    if family.versioned:
        version = _directive(module, family.versioned)
        major, minor, _ = version.removeprefix("v").split(".", 2)
        facts = {"version": version, "major": major, "minor": minor}

    settings = [f"-X {name}={value.format(**facts)}" for name, value in family.variables.items()]

    return " ".join(["-s", "-w", *settings])


def _gomod(folder: Path) -> str:
    return (folder / "go.mod").read_text()


def _directive(module: str, name: str) -> str:
    found = re.search(rf"^\s*(?:require )?{re.escape(name)} (\S+)", module, re.MULTILINE)
    if found is None:
        raise ClusterError("go.mod", f"no {name} in it", cure="restore hack/tools from git")

    return found[1]
