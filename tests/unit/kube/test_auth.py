"""From files to credentials, by the real loaders."""

import base64
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from aiohttp import web

from registry_operator.kube.auth import NoCredentials, load
from registry_operator.kube.credentials import Credentials
from registry_operator.kube.errors import TransportError
from registry_operator.kube.transport import HttpTransport
from tests.unit.kube.server_stage import GET, PEM, serving


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def a_kubeconfig(
    folder: Path, *, user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None
) -> str:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "ns"}},
            {"name": "anonymous", "context": {"cluster": "c"}},
        ],
        "clusters": [
            {
                "name": "c",
                "cluster": {
                    "server": "https://127.0.0.1:6443",
                    "certificate-authority-data": encoded(PEM),
                    **(cluster or {}),
                },
            }
        ],
        "users": [{"name": "u", "user": user if user is not None else {"token": "secret"}}],
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(config))
    return str(path)


async def loaded(path: str | None = None, **settings: Any) -> Credentials:
    """Load in an environment that holds nothing but what the test says."""
    settings.setdefault("environment", {})
    return await load(kubeconfig=path, **settings)


async def test_a_token_and_a_server_are_read(tmp_path: Path) -> None:
    path = a_kubeconfig(
        tmp_path, cluster={"tls-server-name": "api", "proxy-url": "http://127.0.0.1:1"}
    )
    credentials = await loaded(path)

    assert credentials.server == "https://127.0.0.1:6443"
    assert credentials.namespace == "ns"
    assert (credentials.server_hostname, credentials.proxy) == ("api", "http://127.0.0.1:1")
    assert await credentials.token() == "secret"


async def test_a_context_may_be_named_and_may_have_no_user(tmp_path: Path) -> None:
    credentials = await loaded(a_kubeconfig(tmp_path), context="anonymous")

    assert credentials.namespace == "default"
    assert await credentials.token() is None


async def test_several_files_are_merged_as_kubectl_does(tmp_path: Path) -> None:
    path = a_kubeconfig(tmp_path)
    environment = {"KUBECONFIG": f"{tmp_path / 'missing'}:{path}"}

    assert await (await loaded(environment=environment)).token() == "secret"


async def test_a_client_certificate_is_loaded_and_no_file_of_it_is_left(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("user")
    user = {
        "client-certificate-data": encoded(issued.cert_chain_pems[0].bytes().decode()),
        "client-key-data": encoded(issued.private_key_pem.bytes().decode()),
    }
    path = a_kubeconfig(tmp_path, user=user)
    for _ in range(2):
        credentials = await loaded(path, environment={"TMPDIR": str(tmp_path)})
        assert credentials.ssl is not None

    assert [found.name for found in Path(path).parent.iterdir()] == ["config"]


async def test_a_token_file_is_relative_to_its_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("filed\n")
    credentials = await loaded(a_kubeconfig(tmp_path, user={"tokenFile": "token"}))

    assert await credentials.token() == "filed"


async def test_a_plugin_is_run_only_when_it_is_needed(tmp_path: Path) -> None:
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "/does/not/exist",
        "interactiveMode": "Never",
    }
    credentials = await loaded(a_kubeconfig(tmp_path, user={"exec": plugin}))

    with pytest.raises(TransportError, match="no credentials"):
        await credentials.token()


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ({"auth-provider": {"name": "oidc"}}, "auth-provider 'oidc' is not supported"),
        ({"username": "u", "password": "p"}, "user name and password"),
        ({"exec": {"apiVersion": "v0"}}, "exec plugin: apiVersion 'v0'"),
        ({"client-certificate": "gone", "client-key": "gone"}, "File does not exists"),
    ],
)
async def test_what_cannot_be_used_says_why(
    tmp_path: Path, user: dict[str, Any], message: str
) -> None:
    with pytest.raises(NoCredentials, match=message):
        await loaded(a_kubeconfig(tmp_path, user=user))


async def test_neither_kubeconfig_nor_pod_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoCredentials, match="no kubeconfig at"):
        await loaded(environment={"HOME": str(tmp_path)})
    with pytest.raises(NoCredentials, match="Expected object with name nope"):
        await loaded(a_kubeconfig(tmp_path), context="nope")


@pytest.fixture
def service_account(tmp_path: Path) -> Path:
    for name, text in (("token", "projected\n"), ("ca.crt", PEM), ("namespace", "home\n")):
        (tmp_path / name).write_text(text)
    return tmp_path


POD = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


async def test_a_pod_uses_its_service_account(service_account: Path) -> None:
    credentials = await loaded(environment=POD, service_account=service_account)

    assert credentials.server == "https://127.0.0.1:443"
    assert credentials.namespace == "home"
    assert await credentials.token() == "projected"
    (service_account / "token").write_text("rotated")
    assert await credentials.token(refresh=True) == "rotated"


async def test_a_kubeconfig_goes_before_the_service_account(
    service_account: Path, tmp_path: Path
) -> None:
    path = a_kubeconfig(tmp_path)
    pod: dict[str, Any] = {"environment": POD, "service_account": service_account}

    named = await loaded(path, **pod)
    forced = await loaded(path, in_cluster=True, **pod)

    assert (await named.token(), await forced.token()) == ("secret", "projected")


async def test_a_pod_without_service_account_says_so(service_account: Path) -> None:
    (service_account / "ca.crt").unlink()

    with pytest.raises(NoCredentials, match="service account in"):
        await loaded(in_cluster=True, environment=POD, service_account=service_account)
    with pytest.raises(NoCredentials, match="host/port is not set"):
        await loaded(in_cluster=True, service_account=service_account)


async def test_what_was_loaded_speaks_to_a_real_server(tmp_path: Path) -> None:
    async def who(request: web.Request) -> web.Response:
        return web.Response(text=request.headers["Authorization"])

    async with serving(who) as stage:
        path = a_kubeconfig(tmp_path, cluster={"server": stage.url})
        transport = HttpTransport(await loaded(path), user_agent="x")
        response = await transport.send(GET)
        await transport.close()

    assert response.body == b"Bearer secret"
