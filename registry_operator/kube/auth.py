"""From a kubeconfig or a pod's service account to `Credentials`.

In flow files and environment; out flow a server, its CA and a source of identity. Parsing is
kubernetes_asyncio's (by loaders.py), the only use that we make of it; what it does at run time is
ours: plugins (its runner deadlocks and has no end) and renewal (it has none for kubeconfigs). Auth
providers are refused: its OIDC refresh turns certificate verification off.
"""

import asyncio
import os
import tempfile
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

from registry_operator.kube import loaders
from registry_operator.kube.credentials import (
    Credentials,
    FixedIdentity,
    Identity,
    IdentitySource,
    Server,
)
from registry_operator.kube.errors import KubeError
from registry_operator.kube.exec_plugin import ExecPlugin
from registry_operator.kube.identity import PluginIdentity, TokenFile

__all__ = ["Credentials", "NoCredentials", "load"]

_ANONYMOUS: Final = "nobody (no user in this context)"
_SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class NoCredentials(KubeError):  # noqa: N818 - says what happened, as the API's own reasons do
    """Neither kubeconfig nor service account can be used; the message says why."""


async def load(
    *,
    kubeconfig: str | None = None,
    context: str | None = None,
    in_cluster: bool | None = None,
    service_account: Path = _SERVICE_ACCOUNT,
    environment: Mapping[str, str] = os.environ,
) -> Credentials:
    """Load credentials: a named kubeconfig, `KUBECONFIG`, the pod's own, `~/.kube/config`.

    `in_cluster` True or False forces one way. Raises NoCredentials.
    """
    named = kubeconfig or environment.get("KUBECONFIG") or ""
    if in_cluster is None:
        in_cluster = not named and bool(environment.get("KUBERNETES_SERVICE_HOST"))
    # The libraries are heavy and read files: not on the loop.
    if in_cluster:
        return await asyncio.to_thread(_of_service_account, service_account, environment)
    paths = named or f"{environment.get('HOME', '~')}/.kube/config"
    return await asyncio.to_thread(_of_kubeconfig, paths, context, environment.get("TMPDIR"))


def _of_service_account(folder: Path, environment: Mapping[str, str]) -> Credentials:
    library = loaders.load()
    token = folder / "token"
    configuration = library.configuration()
    try:
        loader = library.in_cluster(
            token_filename=str(token),
            cert_filename=str(folder / "ca.crt"),
            environ=dict(environment),
        )
        loader.load_and_set(configuration)
        namespace = (folder / "namespace").read_text().strip()
        authority = (folder / "ca.crt").read_text()
    except (library.config_exception, OSError) as error:
        raise NoCredentials(f"service account in {folder}: {error}") from error
    server = Server(configuration.host or "", authority=authority, namespace=namespace)
    return Credentials(server, TokenFile(token))


def _of_kubeconfig(paths: str, context: str | None, temporary: str | None) -> Credentials:
    library = loaders.load()
    try:
        merged: Any = library.kube_config.KubeConfigMerger(paths).config
        if merged is None:
            raise NoCredentials(f"no kubeconfig at {paths}, and this is no pod of a cluster")
        name = context or merged["current-context"]
        chosen = merged["contexts"].get_with_name(name)["context"]
        if not chosen.safe_get("user"):
            # The library fails on a context without a user, so it gets an empty one.
            chosen.value["user"] = _ANONYMOUS
            empty = {"name": _ANONYMOUS, "user": {}}
            node = library.kube_config.ConfigNode(_ANONYMOUS, empty, paths)
            merged.value["users"].append(node)
        user = merged["users"].get_with_name(chosen["user"])
        cluster = merged["clusters"].get_with_name(chosen["cluster"])
        source = _renewing_source(user, cluster)
        with tempfile.TemporaryDirectory(prefix="kubeconfig-", dir=temporary) as folder:
            configuration = _configuration(merged, name, folder)
            return _credentials(configuration, chosen.safe_get("namespace"), source)
    except (library.config_exception, ValueError, OSError, KeyError, TypeError) as error:
        raise NoCredentials(f"kubeconfig {paths}: {error}") from error


def _renewing_source(user: Any, cluster: Any) -> IdentitySource | None:
    """Take what renews itself out of a user entry, so that the library does not run it."""
    entry: dict[str, Any] = user["user"].value
    folder = Path(user.path).absolute().parent
    if "auth-provider" in entry:
        kind = entry["auth-provider"].get("name")
        raise ValueError(f"auth-provider {kind!r} is not supported: use an exec plugin")
    plugin = entry.pop("exec", None)
    if plugin is not None:
        told = _cluster_info(cluster["cluster"].value)
        return PluginIdentity(ExecPlugin.of(plugin, folder=folder, cluster=told))
    if "tokenFile" in entry and "token" not in entry:
        return TokenFile(folder / entry.pop("tokenFile"))
    return None


def _cluster_info(entry: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        "server",
        "tls-server-name",
        "insecure-skip-tls-verify",
        "certificate-authority-data",
        "proxy-url",
    )
    return {name: entry[name] for name in names if name in entry}


def _configuration(merged: Any, context: str, folder: str) -> Any:
    library = loaders.load()
    kube_config = library.kube_config
    configuration = library.configuration()
    loader = kube_config.KubeConfigLoader(
        config_dict=merged, active_context=context, config_base_path=None, temp_file_path=folder
    )
    try:
        _run_through(loader.load_and_set(configuration))
    finally:
        # It would hand out the paths of our folder again after we removed it.
        for content, path in list(kube_config._temp_files.items()):  # noqa: SLF001
            if Path(path).parent == Path(folder):
                del kube_config._temp_files[content]  # noqa: SLF001
    return configuration


def _run_through(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits; what would wait in this one was taken out of the entry."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise NoCredentials("the kubeconfig's user needs the network to authenticate")


def _credentials(
    configuration: Any, namespace: str | None, source: IdentitySource | None
) -> Credentials:
    server = Server(
        url=configuration.host,
        authority=_text(configuration.ssl_ca_cert),
        is_verified=configuration.verify_ssl,
        hostname=configuration.tls_server_name,
        proxy=configuration.proxy,
        namespace=namespace or "default",
        client=Identity(
            certificate=_text(configuration.cert_file), key=_text(configuration.key_file)
        ),
    )
    token = (configuration.api_key or {}).get("BearerToken", "")
    word, _, value = token.partition(" ")
    if word and word != "Bearer":
        raise ValueError("user name and password are not supported by API servers since 1.19")
    return Credentials(server, source or FixedIdentity(Identity(token=value.strip() or None)))


def _text(path: str | None) -> str | None:
    return Path(path).read_text() if path else None
