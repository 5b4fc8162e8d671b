"""Every way to say who we are, to the real API server."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from hack.cluster.cluster import Cluster
from registry_operator.kube.auth import load
from registry_operator.kube.client import Client
from registry_operator.kube.credentials import Credentials
from registry_operator.kube.errors import Forbidden, Unauthorized
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey
from tests.integration.kube.conftest import ACCOUNTS, CONFIG_MAPS, connected

pytestmark = pytest.mark.integration

REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


async def who_am_i(client: Client) -> str:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    body = orjson.dumps(review)
    response = await client._call(
        Request("POST", REVIEW, body=body, content_type="application/json")
    )
    name: str = orjson.loads(response.body)["status"]["userInfo"]["username"]
    return name


async def a_token(administrator: Credentials, account: str) -> str:
    """Mint a token for a new service account; deleting the account makes it worthless."""
    async with connected(administrator) as transport:
        client = Client(transport)
        body = {"metadata": {"name": account, "namespace": "default"}}
        await client.create(ACCOUNTS, body)
        path = ACCOUNTS.path("default", account, "token")
        spec = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        request = Request("POST", path, body=orjson.dumps(spec), content_type="application/json")
        response = await client._call(request)
    token: str = orjson.loads(response.body)["status"]["token"]
    return token


def config_of(cluster: Cluster) -> Any:
    return yaml.safe_load(cluster.kubeconfig().read_text())


def a_kubeconfig(cluster: Cluster, folder: Path, user: dict[str, Any]) -> Path:
    """The administrator's kubeconfig with another user in it."""
    config = config_of(cluster)
    for entry in config["users"]:
        entry["user"] = user
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


async def test_a_client_certificate_names_its_user(cluster: Cluster) -> None:
    credentials = await load(kubeconfig=str(cluster.kubeconfig("alice")), in_cluster=False)
    async with connected(credentials) as transport:
        client = Client(transport)
        assert await who_am_i(client) == "alice"
        with pytest.raises(Forbidden) as raised:
            await client.get(CONFIG_MAPS, ObjectKey("default", "one"))

    assert (raised.value.verb, raised.value.resource_text) == ("get", "configmaps")


async def test_a_rotated_token_file_is_followed_without_a_failed_request(
    cluster: Cluster, administrator: Credentials, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(await a_token(administrator, "first"))
    path = a_kubeconfig(cluster, tmp_path, {"tokenFile": str(token)})
    credentials = await load(kubeconfig=str(path), in_cluster=False)

    async with connected(credentials) as transport:
        client = Client(transport)
        assert await who_am_i(client) == "system:serviceaccount:default:first"
        token.write_text(await a_token(administrator, "second"))
        async with connected(administrator) as admin:
            await Client(admin).delete(ACCOUNTS, ObjectKey("default", "first"))
        # The server remembers a token for some seconds, and then refuses it; nobody here notices.
        async with asyncio.timeout(30):
            while await who_am_i(client) != "system:serviceaccount:default:second":  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.2)
        assert transport.stats().reauthorizations == 1


async def test_a_token_that_means_nothing_is_unauthorized(cluster: Cluster, tmp_path: Path) -> None:
    path = a_kubeconfig(cluster, tmp_path, {"token": "nonsense"})
    async with connected(await load(kubeconfig=str(path), in_cluster=False)) as transport:
        with pytest.raises(Unauthorized):
            await who_am_i(Client(transport))


async def test_a_pod_speaks_as_its_service_account(
    cluster: Cluster, administrator: Credentials, tmp_path: Path
) -> None:
    entry = config_of(cluster)["clusters"][0]["cluster"]
    (tmp_path / "token").write_text(await a_token(administrator, "pod"))
    (tmp_path / "namespace").write_text("default")
    pem = base64.b64decode(entry["certificate-authority-data"])
    (tmp_path / "ca.crt").write_bytes(pem)
    host, _, port = entry["server"].removeprefix("https://").rpartition(":")
    environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    credentials = await load(service_account=tmp_path, environment=environment)

    async with connected(credentials) as transport:
        assert await who_am_i(Client(transport)) == "system:serviceaccount:default:pod"


async def test_a_plugin_is_asked_for_its_token(
    cluster: Cluster, administrator: Credentials, tmp_path: Path
) -> None:
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": await a_token(administrator, "plugged")},
    }
    (tmp_path / "answer.json").write_bytes(orjson.dumps(answer))
    plugin = tmp_path / "plugin"
    plugin.write_text('#!/bin/sh\nexec cat "$(dirname "$0")/answer.json"\n')
    plugin.chmod(0o700)
    user = {
        "exec": {
            "apiVersion": answer["apiVersion"],
            "command": "./plugin",
            "interactiveMode": "Never",
        }
    }
    path = a_kubeconfig(cluster, tmp_path, user)

    async with connected(await load(kubeconfig=str(path), in_cluster=False)) as transport:
        assert await who_am_i(Client(transport)) == "system:serviceaccount:default:plugged"
