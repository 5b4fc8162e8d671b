"""The whole operator of Registries, with models of the cluster's own controllers."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from controllers.kinds import (
    AUTOSCALER,
    BUCKET,
    BUCKET_ACCESS,
    BUCKET_CLAIM,
    CONFIG_MAP,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    REGISTRY,
    REGISTRY_TEMPLATE,
    REPLICA_SET,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
)
from controllers.registry import assembly
from controllers.registry.checking import Checker
from controllers.template import assembly as template
from registry_operator.api.crd import DEFINITIONS, crd
from registry_operator.distribution.check import Check, Result, Verdict
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.operator import Operator
from registry_operator.testing.builders import NAMESPACE, a_registry, a_template
from registry_operator.testing.cluster_model import ClusterModel, VolumeModel
from registry_operator.testing.fake_api.kinds.claims import CLASSES
from registry_operator.testing.virtual_loop import VirtualClock
from tests.operator_stage import OperatorStage

OURS = tuple(crd(definition) for definition in DEFINITIONS)
KINDS = (
    REGISTRY, DEPLOYMENT, REPLICA_SET, POD, SECRET, CONFIG_MAP, SERVICE, SERVICE_ACCOUNT,
    ENDPOINT_SLICE, PERSISTENT_VOLUME_CLAIM, POD_DISRUPTION_BUDGET, AUTOSCALER,
)  # fmt: skip
COSI_KINDS = (BUCKET_CLAIM, BUCKET_ACCESS, BUCKET)
PASSED = Result(Verdict.PASSED, "", "", 0.1)
UNREACHABLE = Result(Verdict.UNREACHABLE, "/", "no route to host", 0.1)
HTTP_SECRET = "do-not-tell-http"


class RegistryStage(OperatorStage):
    """`cosi`: whether the cluster serves its kinds. `answer` is what pods say when asked
    for their health, `counters` when asked for their metrics, `check` what is found by trying one.
    `counters_of` says the metrics of one pod, where they differ.

    `allows_host_path`, `client_check`: as the operator is told.
    """

    def __init__(
        self,
        clock: VirtualClock,
        *,
        cosi: bool = False,
        namespace: str | None = None,
        allows_host_path: bool = False,
        client_check: Checker | None = None,
    ) -> None:
        self._namespace = namespace
        self._allows_host_path = allows_host_path
        self._client_check = client_check
        self._secrets = itertools.count()
        self.answer: bytes | None = None
        self.counters: bytes | None = None
        self.counters_of: Callable[[dict[str, Any]], bytes | None] = lambda _pod: self.counters
        self.check: Callable[[dict[str, Any]], Result] = lambda _pod: PASSED
        self.checked: list[Check] = []
        self.counted: list[str] = []
        # The schema of ours is enforced: what the operator writes must be valid.
        kinds = (*OURS, *KINDS[1:], CLASSES, *(COSI_KINDS if cosi else ()))
        super().__init__(clock, kinds, self._declare)
        self.cluster = ClusterModel(self.api)
        self.volumes = VolumeModel(self.api, random.Random(11))

    def _declare(self, operator: Operator) -> None:
        assembly.install(
            operator,
            namespace=self._namespace,
            asker=self._ask,
            checker=self._check,
            random_secret=lambda: f"{HTTP_SECRET}-{next(self._secrets)}",
            allows_host_path=self._allows_host_path,
            client_check=self._client_check,
            compares_traffic=True,
        )
        if self._namespace is None:
            template.install(operator)

    async def _ask(self, address: str, path: str) -> bytes:
        answer = self._counters(address) if path == "/metrics" else self.answer
        if answer is None:
            raise TimeoutError
        return answer

    def _counters(self, address: str) -> bytes | None:
        self.counted.append(address)
        pod = self._pod_at(address)
        return self.counters_of(pod) if pod is not None else None

    async def _check(self, what: Check, *, nonce: bytes) -> Result:
        self.checked.append(what)
        found = self._pod_at(what.host)
        # A pod may go between the decision to try it and the try.
        return self.check(found) if found is not None else UNREACHABLE

    def _pod_at(self, address: str) -> dict[str, Any] | None:
        pods = self.api.objects(POD)
        return next((pod for pod in pods if pod["status"].get("podIP") == address), None)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Operator]:
        models = [asyncio.create_task(one.run()) for one in (self.cluster, self.volumes)]
        try:
            async with super().running() as operator:
                yield operator
        finally:
            for model in models:
                model.cancel()
                with suppress(asyncio.CancelledError):
                    await model

    def create(self, name: str = "images", **fields: Any) -> dict[str, Any]:
        body = a_registry(name, **fields)
        del body["metadata"]["uid"], body["metadata"]["generation"]
        return self.api.put(REGISTRY, body)

    def create_template(self, name: str = "base", **spec: Any) -> dict[str, Any]:
        return self.api.put(REGISTRY_TEMPLATE, a_template(name, **spec))

    def change_template(self, **spec: Any) -> None:
        """Changes some fields of the spec of the RegistryTemplate `base`."""
        key = ObjectKey("", "base")
        self.api.change(REGISTRY_TEMPLATE, key, lambda body: body["spec"].update(spec))

    def change(self, mutate: Callable[[dict[str, Any]], None], name: str = "images") -> None:
        """Changes the spec of a Registry."""
        self.api.change(REGISTRY, ObjectKey(NAMESPACE, name), lambda body: mutate(body["spec"]))

    def one(self, resource: Resource, name: str = "images") -> dict[str, Any]:
        return self.get(resource, NAMESPACE, name)

    def names(self, resource: Resource) -> list[str]:
        return [body["metadata"]["name"] for body in self.api.objects(resource)]

    def status(self, name: str = "images") -> dict[str, Any]:
        status: dict[str, Any] = self.one(REGISTRY, name).get("status", {})
        return status

    def told(self, type_: str = "Ready", name: str = "images") -> tuple[str, str]:
        """Status and reason of a condition; ("", "") where there is none."""
        for condition in self.status(name).get("conditions", ()):
            if condition["type"] == type_:
                return condition["status"], condition["reason"]
        return "", ""

    def message(self, type_: str = "Ready", name: str = "images") -> str:
        conditions = self.status(name).get("conditions", ())
        return next((str(one["message"]) for one in conditions if one["type"] == type_), "")

    @property
    def current_config(self) -> str:
        """Name of the configuration Secret that the Deployment refers to."""
        volumes = self.one(DEPLOYMENT)["spec"]["template"]["spec"]["volumes"]
        name: str = volumes[0]["secret"]["secretName"]
        return name

    def configs(self) -> list[str]:
        return [name for name in self.names(SECRET) if "-config-" in name]
