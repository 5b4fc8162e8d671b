"""The images that run beside the operator: registries to operate, a client, and two that fail.

In flow programs (a Debian package's or our own builds of Go modules), busybox and this machine's CA
bundle; out flow images of a few files. Like the official ones, the registries have `/bin/registry`
and nothing that a pod should ask for itself, such as a USER.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from hack.cluster.tools import Toolbox
from hack.images import archive, debian
from hack.images.archive import Entry, Image
from hack.images.errors import ImageError
from hack.images.recipe import Recipe, Work, machine_ca_bundle, sources

_APPLETS = (
    *("sh", "sleep", "cat", "ls", "wget", "echo", "env", "id", "mkdir", "nslookup", "ps", "rm"),
    *("sha256sum", "tar", "test", "touch", "true", "false", "nc", "head", "dd", "seq", "date"),
)
_CONFIGURATION_PATHS = {2: "/etc/docker/registry/config.yml", 3: "/etc/distribution/config.yml"}
_CONFIGURATION = b"""\
version: "0.1"
storage: {filesystem: {rootdirectory: /var/lib/registry}}
http: {addr: ":5000"}
"""
_BROKEN = b"#!/bin/sh\necho 'this image always fails, on purpose' >&2\nexit 1\n"
# Looks well to Kubernetes, and serves no client. Its tag tells a release, as it would not end when
# it is asked. nc starts the same script for each connection; as process 1 it would ignore SIGTERM.
_FAILING = b"""\
#!/bin/sh
answer() {
  read -r method path rest
  while read -r line && [ ${#line} -gt 1 ]; do :; done
  case $path in
    /v2/*) status='500 Internal Server Error' ;;
    *) status='200 OK' ;;
  esac
  printf 'HTTP/1.1 %s\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n' "$status"
}
[ "$1" != answer ] || { answer; exit; }
trap 'exit 0' TERM INT
nc -ll -p 5000 -e /bin/registry answer &
wait $!
"""
# As process 1, sleep alone would ignore SIGTERM, and every deletion would take its grace period.
_SLEEPER = ("/bin/sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done")


def recipes() -> list[Recipe]:
    """How the images are made."""
    return [
        _recipe(["registry:2", "registry:2.8.2"], "registry 2.8, from Debian", _registry_of_debian),
        _registry_of("registry-3.1", ["registry:3", "registry:3.1.2", "registry:edge"]),
        _registry_of("registry-3.0", ["registry:3.0.0"]),
        _recipe(
            ["local/client:1"],
            "crane and a shell, sleeping; /images/hello.tar is a runnable image to push",
            _client,
            tools=["crane"],
        ),
        _recipe(
            ["local/broken:1"],
            "fails at once, as `registry` too: for trouble",
            partial(_pretended, script=_BROKEN),
        ),
        _recipe(
            ["local/failing:3.1.2"],
            "is ready as `registry`, and answers 500 to every client: for trouble",
            partial(_pretended, script=_FAILING),
        ),
    ]


def _registry_of(tool: str, names: Sequence[str]) -> Recipe:
    make = partial(_registry_of_tool, tool=tool)

    return _recipe(names, f"registry {tool.removeprefix('registry-')}, from Go", make, tools=[tool])


def _recipe(
    names: Sequence[str], about: str, make: Callable[[Work], None], *, tools: Sequence[str] = ()
) -> Recipe:
    def inputs() -> list[str | bytes]:
        return [
            *sources(__file__, archive.__file__, debian.__file__),
            machine_ca_bundle().read_bytes(),
            *(str(Toolbox().location(tool)) for tool in tools),
        ]

    return Recipe(names=names, about=about, inputs=inputs, make=make)


def _registry_of_debian(work: Work) -> None:
    package = debian.unpack("docker-registry", scratch=work.scratch, say=work.say)
    libc = debian.unpack("libc6", scratch=work.scratch, say=work.say)
    expected = work.names[-1].partition(":")[2]
    if not package.version.startswith(expected):
        raise ImageError(
            f"{work.names[-1]} needs docker-registry {expected}, but apt offers {package.version}: "
            f"use Debian {debian.SUITE}"
        )

    entries = [
        *_registry(package.folder / "usr/bin/docker-registry", major=2),
        *c_library(libc.folder),
        *_base(work),
    ]
    archive.write_archive(work.out, _registry_image(work.names, entries, major=2))


def _registry_of_tool(work: Work, *, tool: str) -> None:
    binary = Toolbox(say=work.say).path(tool)
    entries = [*_registry(binary, major=3), *_base(work)]
    archive.write_archive(work.out, _registry_image(work.names, entries, major=3))


def _registry_image(names: Sequence[str], entries: Sequence[Entry], *, major: int) -> Image:
    return Image(
        names=names,
        entries=entries,
        entrypoint=["/bin/registry"],
        command=["serve", _CONFIGURATION_PATHS[major]],
    )


def _client(work: Work) -> None:
    hello = work.scratch / "hello.tar"
    busybox = _busybox(work)
    archive.write_archive(
        hello,
        Image(
            names=["local/hello:1"],
            entries=[*busybox, Entry(target="/etc/hello", source=b"hello\n", mode=0o644)],
            command=_SLEEPER,
            user="65532:65532",
        ),
    )
    crane = Toolbox(say=work.say).path("crane")
    archive.write_archive(
        work.out,
        Image(
            names=work.names,
            entries=[
                *busybox,
                *_common(),
                Entry(target="/bin/crane", source=crane),
                Entry(target="/images/hello.tar", source=hello, mode=0o644),
            ],
            command=_SLEEPER,
            user="65532:65532",
            environment={"PATH": "/bin", "HOME": "/tmp"},
        ),
    )


def _pretended(work: Work, *, script: bytes) -> None:
    archive.write_archive(
        work.out,
        Image(
            names=work.names,
            entries=[*_base(work), Entry(target="/bin/registry", source=script)],
            entrypoint=["/bin/registry"],
            user="65532:65532",
        ),
    )


def _registry(binary: Path, *, major: int) -> list[Entry]:
    return [
        Entry(target="/bin/registry", source=binary),
        Entry(target=_CONFIGURATION_PATHS[major], source=_CONFIGURATION, mode=0o644),
        Entry(target="/var/lib/registry"),
    ]


def _base(work: Work) -> list[Entry]:
    return [*_busybox(work), *_common()]


def _common() -> list[Entry]:
    return [
        Entry(target="/tmp", mode=0o1777),
        Entry(target="/etc/ssl/certs/ca-certificates.crt", source=machine_ca_bundle(), mode=0o644),
        Entry(target="/etc/passwd", source=b"root:x:0:0:root:/:/bin/sh\n", mode=0o644),
    ]


def _busybox(work: Work) -> list[Entry]:
    package = debian.unpack("busybox-static", scratch=work.scratch, say=work.say)

    return [
        Entry(target="/bin/busybox", source=package.folder / "bin/busybox"),
        *(Entry(target=f"/bin/{applet}", link="busybox") for applet in _APPLETS),
    ]


def c_library(package: Path) -> list[Entry]:
    """What a dynamically linked Go program needs of libc6: the library, loader and links to it."""
    found: Iterable[Path] = (
        path
        for path in sorted(package.rglob("*.so*"))
        if path.name == "libc.so.6" or path.name.startswith("ld-linux")
    )

    return [_as_entry(path, package) for path in found]


def _as_entry(path: Path, root: Path) -> Entry:
    target = f"/{path.relative_to(root)}"
    if path.is_symlink():
        return Entry(target=target, link=str(path.readlink()))

    return Entry(target=target, source=path)
