"""The images hold programs that run, as any user, and say the version that their tag says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from hack.images import base, containerfile
from hack.images.catalogue import image
from hack.images.pip import read_settings

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: images are run by chroot"),
]

_NOBODY = "65532:65532"


class Unpacked:
    """An image's configuration, and its layers unpacked one over the other."""

    def __init__(self, tar: Path, root: Path) -> None:
        self.root = root
        root.chmod(0o755)
        with tarfile.open(tar) as archive:
            (self.manifest,) = json.load(_member(archive, "manifest.json"))
            self.config: dict[str, Any] = json.load(_member(archive, self.manifest["Config"]))
            for layer in self.manifest["Layers"]:
                with tarfile.open(fileobj=_member(archive, layer)) as content:
                    content.extractall(root, filter="fully_trusted")

    @property
    def started(self) -> dict[str, Any]:
        """How the image starts."""
        config: dict[str, Any] = self.config["config"]

        return config

    def run(
        self, *argv: str, user: str = _NOBODY, check: bool = True, told: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command with the image as its root, and with the image's environment only."""
        settings = [f"PWD={self.started.get('WorkingDir', '/')}", *self.started["Env"]]
        # By its path, because the environment is the image's.
        chroot = [shutil.which("chroot") or "chroot", f"--userspec={user}", str(self.root)]

        return subprocess.run(
            [*chroot, *argv],
            env=dict(setting.split("=", 1) for setting in settings),
            check=check,
            capture_output=True,
            text=True,
            input=told,
        )


def _member(archive: tarfile.TarFile, name: str) -> Any:
    member = archive.extractfile(name)
    assert member is not None

    return member


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("registry:2", "2.8.2"),
        ("registry:2.8.2", "2.8.2"),
        ("registry:3", "v3.1.2"),
        ("registry:3.1.2", "v3.1.2"),
        ("registry:3.0.0", "v3.0.0"),
    ],
)
def test_a_registry_runs_as_nobody_and_tells_its_version(
    name: str, version: str, tmp_path: Path
) -> None:
    unpacked = Unpacked(image(name), tmp_path)

    answer = unpacked.run("/bin/registry", "--version")

    assert answer.stdout.split()[-1].startswith(version)
    assert name in unpacked.manifest["RepoTags"]
    assert "User" not in unpacked.started


def test_a_registry_has_what_its_pod_uses(tmp_path: Path) -> None:
    unpacked = Unpacked(image("registry:3"), tmp_path)

    assert unpacked.run("/bin/sh", "-c", "sleep 0 && command -v registry").stdout.strip() == (
        "/bin/registry"
    )
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    assert (tmp_path / bundle.relative_to("/")).read_bytes() == bundle.read_bytes()


def test_the_client_has_crane_and_an_image_to_push(tmp_path: Path) -> None:
    unpacked = Unpacked(image("local/client:1"), tmp_path)

    answer = unpacked.run("/bin/crane", "validate", "--tarball", "/images/hello.tar")

    assert answer.stdout.startswith("PASS")


def test_the_broken_image_fails_at_once_and_says_that_it_is_on_purpose(tmp_path: Path) -> None:
    unpacked = Unpacked(image("local/broken:1"), tmp_path)

    answer = unpacked.run("/bin/registry", "serve", "/any/path", check=False)

    assert (answer.returncode, "on purpose" in answer.stderr) == (1, True)


@pytest.mark.parametrize(
    ("path", "status"), [("/", 200), ("/v2/", 500), ("/v2/team/hello/manifests/1", 500)]
)
def test_the_failing_image_is_ready_and_serves_no_client(
    path: str, status: int, tmp_path: Path
) -> None:
    unpacked = Unpacked(image("local/failing:3.1.2"), tmp_path)
    request = f"GET {path} HTTP/1.1\r\nHost: images\r\n\r\n"

    answer = unpacked.run("/bin/registry", "answer", told=request)

    assert answer.stdout.startswith(f"HTTP/1.1 {status} ")


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    return Unpacked(image(containerfile.NAME), tmp_path_factory.mktemp("operator"))


def test_the_operator_starts_as_the_pod_expects(operator: Unpacked) -> None:
    assert operator.started["User"] == _NOBODY
    assert operator.started["Cmd"] == ["run"]
    assert containerfile.NAME in {tag.rpartition("/")[2] for tag in operator.manifest["RepoTags"]}


def test_the_operators_code_is_compiled_and_current(operator: Unpacked) -> None:
    sources = [
        path
        for package in ("registry_operator", "controllers")
        for path in (containerfile.REPOSITORY / package).rglob("*.py")
    ]
    app = operator.root / "app"
    copies = [app / path.relative_to(containerfile.REPOSITORY) for path in sources]
    missing = [
        copy
        for copy in copies
        if not (copy.parent / "__pycache__" / f"{copy.stem}.cpython-311.pyc").exists()
    ]

    assert copies
    assert missing == []


def test_the_operators_command_answers_without_writing_anything(operator: Unpacked) -> None:
    before = sorted(operator.root.rglob("*"))

    answer = operator.run(*operator.started["Entrypoint"], "--help")

    assert "run" in answer.stdout
    assert sorted(operator.root.rglob("*")) == before


def test_only_what_runs_is_in_the_operators_image(operator: Unpacked) -> None:
    names = {path.name for path in (operator.root / "app").iterdir()}

    assert names == {"registry_operator", "controllers", "crds"}
    assert not (operator.root / "opt/venv/lib/python3.11/site-packages/pip").exists()


def test_pips_settings_of_this_machine_are_not_in_the_operators_image(operator: Unpacked) -> None:
    secret = read_settings(os.environ, home=Path.home()).text
    lines = {line for line in secret.splitlines() if "://" in line}
    file = operator.root / "etc/pip.conf"

    assert not file.exists() or file.read_text() == ""
    assert [line for line in lines if line in json.dumps(operator.config)] == []


def test_a_second_request_makes_nothing() -> None:
    told: list[str] = []

    image(base.NAME, say=told.append)

    assert told == []
