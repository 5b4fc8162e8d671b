"""How the two servers are made to forget and to refuse: from behind, each in its own way."""

import asyncio
from typing import Final

from hack.cluster.cluster import Cluster
from registry_operator.kube.client import Client
from registry_operator.kube.errors import ApiError, KubeError
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.fake_api.admission import Quota, denies
from tests.behaviour.server import Body, eventually

CONTROLLERS: Final = "kube-controller-manager"
# How often the real server forgets, and how long until what was just written is forgotten.
COMPACTION_SECONDS: Final = 4
_FORGETTING_SECONDS: Final = 2 * COMPACTION_SECONDS + 2
_API_SERVER: Final = "kube-apiserver"
_GROUP: Final = "admissionregistration.k8s.io"
_POLICIES: Final = Resource(
    _GROUP, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", namespaced=False
)
_BINDINGS: Final = Resource(
    _GROUP,
    "v1",
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
    namespaced=False,
)
_QUOTAS: Final = Resource("", "v1", "ResourceQuota", "resourcequotas")
_NAME: Final = "behaviour"


class FakeLevers:
    def __init__(self, api: FakeApi) -> None:
        self._api = api

    async def forget(self) -> None:
        self._api.compact()
        self._api.drop_watches("cut")

    async def deny(self, resource: Resource, namespace: str, *, message: str) -> None:
        self._api.admit(denies(resource, namespace, policy=_NAME, message=message))

    async def limit(self, resource: Resource, namespace: str, *, most: int) -> None:
        self._api.admit(Quota(self._api, resource, namespace, name=_NAME, most=most))


class RealLevers:
    def __init__(self, cluster: Cluster, client: Client) -> None:
        self._cluster = cluster
        self._client = client

    async def forget(self) -> None:
        """etcd is compacted; what the server itself remembers goes with its process."""
        await asyncio.sleep(_FORGETTING_SECONDS)
        await asyncio.to_thread(self._cluster.restart, _API_SERVER)
        await eventually(self._answers)

    async def deny(self, resource: Resource, namespace: str, *, message: str) -> None:
        rule = {
            "apiGroups": [resource.group],
            "apiVersions": [resource.version],
            "operations": ["CREATE", "UPDATE"],
            "resources": [resource.plural],
        }
        here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
        policy = {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "false", "message": message}],
        }
        binding = {
            "policyName": _NAME,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": here},
        }
        for kind, spec in ((_POLICIES, policy), (_BINDINGS, binding)):
            body: Body = {"metadata": {"name": _NAME}, "spec": spec}
            await self._client.apply(kind, body, field_manager="tests")
        body = {"metadata": {"name": "probe", "namespace": namespace}}

        async def is_denied() -> bool:
            try:
                await self._client.apply(resource, body, field_manager="tests", dry_run=True)
            except ApiError as error:
                return error.is_admission_denied
            return False

        await eventually(is_denied)

    async def limit(self, resource: Resource, namespace: str, *, most: int) -> None:
        here = await self._client.list(resource, namespace=namespace)
        group = f".{resource.group}" if resource.group else ""
        what = f"count/{resource.plural}{group}"
        hard = {what: str(most + len(here.items))}
        key = ObjectKey(namespace, _NAME)
        body = {"metadata": {"name": _NAME, "namespace": namespace}, "spec": {"hard": hard}}
        await self._client.create(_QUOTAS, body)

        async def is_counted() -> bool:
            quota = (await self._client.get(_QUOTAS, key)).body()
            return what in quota.get("status", {}).get("used", {})

        await eventually(is_counted)

    async def _answers(self) -> bool:
        try:
            await self._client.list(_QUOTAS, namespace="default")
        except KubeError:
            return False
        return True
