"""Writes an image as a docker-archive tar: what `ctr images import` and `crane` read.

In flow files, folders and links of this machine (`Entry`), ready-made layer tars, and how the image
is started (`Image`); out flows one tar with manifest, configuration and layers. No engine and no
registry take part, because the machines that this runs on can pull nothing. Names carry no host
(`registry:2`): containerd completes them on import, as `docker load` would. Times, owners' names
and order are fixed, so equal input gives an equal file.

Format: https://github.com/moby/docker-image-spec (version 1.2, "combined image JSON and filesystem
changeset").
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One path of a layer: a file, a link or a folder.

    With `source` (a path or the bytes) a file, with `link` a symbolic link, else a folder. `target`
    is absolute or relative to the image's root. Missing parent folders are made with mode 0755,
    root's.
    """

    target: str
    source: Path | bytes | None = None
    link: str | None = None
    mode: int = 0o755
    owner: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image: its names (`NAME:TAG`), content and how it starts.

    `layers` are uncompressed layer tars, lowest first; `entries`, when there are any, become one
    more layer on top. `user` is `UID[:GID]`, "" means root.
    """

    names: Sequence[str]
    entries: Sequence[Entry] = ()
    layers: Sequence[Path] = ()
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    user: str = ""
    environment: Mapping[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    )
    working_directory: str = "/"
    labels: Mapping[str, str] = field(default_factory=dict)


def architecture() -> str:
    """This machine's architecture in Go's and OCI's words (`amd64`, `arm64`)."""
    machine = platform.machine()

    return _ARCHITECTURES.get(machine, machine)


def write_archive(out: Path, image: Image) -> Path:
    """Writes `image` to `out` and returns `out`.

    The file appears whole or not at all. Raises ValueError for an image without names or content,
    and OSError when a source cannot be read.
    """
    if not image.names:
        raise ValueError("an image needs at least one NAME:TAG")

    if not image.layers and not image.entries:
        raise ValueError(f"image {image.names[0]} has neither layers nor entries")

    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        layers = list(image.layers)
        if image.entries:
            layers.append(write_layer(work / "layer.tar", image.entries))

        partial = work / "image.tar"
        _assemble(partial, image, layers)
        partial.replace(out)
    finally:
        shutil.rmtree(work)

    return out


def write_layer(out: Path, entries: Iterable[Entry]) -> Path:
    """Writes `entries` as one uncompressed layer tar to `out` and returns `out`."""
    made: set[str] = set()
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            path = PurePosixPath("/", entry.target).relative_to("/")
            for parent in reversed(path.parents[:-1]):
                if str(parent) not in made:
                    made.add(str(parent))
                    _add(tar, Entry(target=str(parent)))

            made.add(str(path))
            _add(tar, entry)

    return out


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    info = tarfile.TarInfo(entry.target.strip("/"))
    info.mode = entry.mode
    info.uid, info.gid = entry.owner
    if isinstance(entry.source, bytes):
        info.size = len(entry.source)
        tar.addfile(info, io.BytesIO(entry.source))
    elif entry.source is not None:
        info.size = entry.source.stat().st_size
        with entry.source.open("rb") as handle:
            tar.addfile(info, handle)
    elif entry.link is not None:
        info.type, info.linkname = tarfile.SYMTYPE, entry.link
        tar.addfile(info)
    else:
        info.type = tarfile.DIRTYPE
        tar.addfile(info)


def _assemble(out: Path, image: Image, layers: Sequence[Path]) -> None:
    digests = [_sha256(layer) for layer in layers]
    config = _json(_configuration(image, digests))
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    paths = [f"{digest}/layer.tar" for digest in digests]
    manifest = [{"Config": config_name, "RepoTags": list(image.names), "Layers": paths}]
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, Entry(target=config_name, source=config, mode=0o644))
        for path, layer in dict(zip(paths, layers, strict=True)).items():
            _add(tar, Entry(target=path, source=layer, mode=0o644))

        _add(tar, Entry(target="manifest.json", source=_json(manifest), mode=0o644))


def _configuration(image: Image, digests: Sequence[str]) -> dict[str, object]:
    started = {
        "User": image.user,
        "Entrypoint": list(image.entrypoint),
        "Cmd": list(image.command),
        "Env": [f"{name}={value}" for name, value in image.environment.items()],
        "WorkingDir": image.working_directory,
        "Labels": dict(image.labels),
    }

    return {
        "architecture": architecture(),
        "os": "linux",
        "config": {name: value for name, value in started.items() if value},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        # Without a history of as many layers, buildah refuses to build on the image.
        "history": [{"created_by": "hack/images"} for _ in digests],
    }


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)

    return digest.hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
