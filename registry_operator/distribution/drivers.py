"""The storage drivers of the registry: what each is told, in its own words.

A storage with its credentials flows in; out flow the driver's name and parameters. `options` are
further parameters, named and typed as the driver does; what is not there is left to the driver, so
that a configuration changes only where something is said. They have passed `options.check`.

Source: registry/storage/driver/{s3-aws,gcs,azure} of github.com/distribution/distribution, 2.8.3,
3.0.0 and 3.1.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import urlsplit

DEFAULT_REGION = "us-east-1"

_AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn")

Options: TypeAlias = Mapping[str, bool | int | str]


@dataclass(frozen=True, slots=True)
class FilesystemStorage:
    """A folder of the pod.

    `shared`: other processes may write there too. `read_only`: nobody may.
    """

    root: str
    shared: bool = False
    read_only: bool = False

    @property
    def clients_reach(self) -> bool:
        """Whether the registry sends clients there for content."""
        return False

    def parameters(self) -> dict[str, Any]:
        """What the configuration says below `storage`."""
        return {"filesystem": {"rootdirectory": self.root}}


@dataclass(frozen=True, slots=True)
class InMemoryStorage:
    """The memory of the process: for tests."""

    @property
    def clients_reach(self) -> bool:
        """Whether the registry sends clients there for content."""
        return False

    def parameters(self) -> dict[str, Any]:
        """What the configuration says below `storage`."""
        return {"inmemory": {}}


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Storage:
    """A bucket. Keys are not shown by repr.

    `endpoint` is a URL, or a HOST[:PORT] which is spoken to over TLS; None means AWS. Without keys
    the registry asks its environment. `force_path_style` None: true for an endpoint other than AWS.
    `redirect` None: only AWS is surely within reach of clients.
    """

    bucket: str
    region: str = ""
    endpoint: str | None = None
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    force_path_style: bool | None = None
    redirect: bool | None = None
    options: Options = field(default_factory=dict)

    @property
    def is_aws(self) -> bool:
        """Whether the endpoint is AWS's own."""
        if not self.endpoint:
            return True

        host = urlsplit(self.endpoint if "://" in self.endpoint else f"//{self.endpoint}").hostname
        return (host or "").endswith(_AWS_HOSTS)

    @property
    def clients_reach(self) -> bool:
        """Whether the registry sends clients there for content."""
        return self.is_aws if self.redirect is None else self.redirect

    def parameters(self) -> dict[str, Any]:
        """What the configuration says below `storage`."""
        path_style = self.force_path_style
        told: dict[str, Any] = {
            "bucket": self.bucket,
            "region": self.region or DEFAULT_REGION,
            # 2.8 knows no such key: there any endpoint means path style.
            "forcepathstyle": not self.is_aws if path_style is None else path_style,
            "secure": not (self.endpoint or "").startswith("http://"),
            **self.options,
        }
        if self.endpoint:
            told["regionendpoint"] = self.endpoint.rstrip("/")

        if self.access_key and self.secret_key:
            told |= {"accesskey": self.access_key, "secretkey": self.secret_key}

        return {"s3": told}


@dataclass(frozen=True, slots=True, kw_only=True)
class GcsStorage:
    """A bucket of Google Cloud Storage.

    `key_file` is the path of a service account's key; None: the registry asks its environment.
    `redirect` None: with a key, as URLs are signed by it.
    """

    bucket: str
    key_file: str | None = None
    redirect: bool | None = None
    options: Options = field(default_factory=dict)

    @property
    def clients_reach(self) -> bool:
        """Whether the registry sends clients there for content."""
        return self.key_file is not None if self.redirect is None else self.redirect

    def parameters(self) -> dict[str, Any]:
        """What the configuration says below `storage`."""
        told: dict[str, Any] = {"bucket": self.bucket, **self.options}
        if self.key_file is not None:
            told["keyfile"] = self.key_file

        return {"gcs": told}


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureStorage:
    """A container of Azure Blob Storage. The key is not shown by repr.

    Without key the registry asks its environment. `redirect` None: with a key, at Azure's own
    endpoint.
    """

    account: str
    container: str
    account_key: str | None = field(default=None, repr=False)
    redirect: bool | None = None
    options: Options = field(default_factory=dict)

    @property
    def clients_reach(self) -> bool:
        """Whether the registry sends clients there for content."""
        if self.redirect is not None:
            return self.redirect

        return bool(self.account_key) and "serviceurl" not in self.options

    def parameters(self) -> dict[str, Any]:
        """What the configuration says below `storage`.

        2.8 knows no `credentials` and drops them without a word; 3.x does not start without.
        """
        told: dict[str, Any] = {
            "accountname": self.account,
            "container": self.container,
            "credentials": {"type": "shared_key" if self.account_key else "default_credentials"},
            **self.options,
        }
        if self.account_key:
            told["accountkey"] = self.account_key

        return {"azure": told}


Storage: TypeAlias = FilesystemStorage | InMemoryStorage | S3Storage | GcsStorage | AzureStorage


def is_shared(storage: Storage) -> bool:
    """Whether other processes may see the same data."""
    if isinstance(storage, FilesystemStorage):
        return storage.shared

    return isinstance(storage, (S3Storage, GcsStorage, AzureStorage))


def is_read_only(storage: Storage) -> bool:
    """Whether nothing can be written there."""
    return isinstance(storage, FilesystemStorage) and storage.read_only
