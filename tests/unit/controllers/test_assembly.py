"""The wiring: every reconciler has its triggers, and a change of each store wakes who looks at it."""

import random
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

import controllers
from controllers.kinds import (
    AUTOSCALER,
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
from controllers.registry import client_checks, guardian, mender, reporter
from controllers.registry.assembly import IDENTITY, KINDS
from controllers.registry.reasons import TABLE
from controllers.registry.stores import Stores
from controllers.registry.wiring import TRIGGERS
from registry_operator.kube.client import Client
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.operator import Operator, Settings
from registry_operator.testing.builders import (
    CERTIFICATES,
    CLAIM,
    CLAIMED,
    COSI,
    NAMED_CLAIM,
    NAMESPACE,
    S3,
    TRUSTING,
    a_config_map,
    a_registry,
    a_secret,
)
from registry_operator.testing.claims import a_bucket_info, a_users_claim, a_volume_claim
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock
from tests.operator_stage import LOCAL
from tests.unit.controllers import registry_stage
from tests.unit.controllers.registry_stage import RegistryStage

NAMES = {kind.name for kind in KINDS}
STORES = {field.name for field in fields(Stores)} - {"registries", "templates"}


def test_every_reconciler_has_its_triggers_and_every_trigger_is_a_store() -> None:
    assert TRIGGERS.keys() == NAMES | {guardian.NAME, mender.NAME, reporter.NAME}
    for triggers in TRIGGERS.values():
        assert set(triggers) <= STORES


def test_the_status_looks_at_everything() -> None:
    assert set(TRIGGERS[reporter.NAME]) == STORES


def test_every_store_wakes_somebody_besides_the_status_or_is_only_reported() -> None:
    woken = {
        store for name, stores in TRIGGERS.items() if name != reporter.NAME for store in stores
    }

    assert STORES - woken == {"pods", "endpoint_slices"}


def test_names_of_reconcilers_are_unique_and_make_field_managers() -> None:
    assert len(NAMES) == len(KINDS)
    for name in NAMES:
        assert name == name.lower()
        assert len(f"registry-operator/{name}") <= 128


def test_reasons_for_holding_back_are_in_the_table() -> None:
    assert {"Terminating", "SpecInvalid", "Paused"} <= TABLE.keys()
    assert IDENTITY.owner == REGISTRY


def runs(operator: Operator) -> dict[str, int]:
    stats = operator.metrics.registry
    names = NAMES | {guardian.NAME, mender.NAME, reporter.NAME}
    return {
        name: int(
            sum(
                stats.get_sample_value(
                    "controller_runtime_reconcile_total", {"controller": name, "result": result}
                )
                or 0
                for result in ("success", "requeue_after", "error", "requeue")
            )
        )
        for name in names
    }


def touch(resource: Resource, name: str) -> Callable[[RegistryStage], None]:
    """Changes a label of an object: what a reconciler may not overlook."""

    def change(stage: RegistryStage) -> None:
        def mutate(body: dict[str, Any]) -> None:
            body["metadata"].setdefault("labels", {})["touched"] = "1"

        found = [n for n in stage.names(resource) if n.startswith(name)]
        stage.api.change(resource, ObjectKey(NAMESPACE, found[0]), mutate)

    return change


OBJECTS: list[tuple[str, Callable[[RegistryStage], None]]] = [
    ("deployments", touch(DEPLOYMENT, "images")),
    ("replica_sets", touch(REPLICA_SET, "images")),
    ("pods", touch(POD, "images")),
    ("secrets", touch(SECRET, "images-http")),
    ("services", touch(SERVICE, "images")),
    ("service_accounts", touch(SERVICE_ACCOUNT, "images")),
    ("endpoint_slices", touch(ENDPOINT_SLICE, "images")),
    ("bucket_claims", touch(BUCKET_CLAIM, "images")),
    ("bucket_accesses", touch(BUCKET_ACCESS, "images")),
    ("referenced_secrets", touch(SECRET, "images-bucket")),
]


def test_every_store_is_tried() -> None:
    apart = {"referenced_config_maps", "referenced_volume_claims", "volume_claims"}
    apart |= {"pod_disruption_budgets", "autoscalers"}
    assert {store for store, _ in OBJECTS} | apart == STORES


async def a_granted_bucket(stage: RegistryStage) -> None:
    key = ObjectKey(NAMESPACE, "images")
    stage.create(storage=COSI)
    await stage.settle()
    stage.api.change(BUCKET_CLAIM, key, lambda b: b.update(status={"bucketReady": True}))
    stage.api.put(SECRET, a_secret("images-bucket", {"BucketInfo": a_bucket_info()}))
    stage.api.change(BUCKET_ACCESS, key, lambda b: b.update(status={"accessGranted": True}))
    await stage.settle()
    assert stage.told() == ("True", "Ready")


@pytest.mark.virtual
@pytest.mark.parametrize(("store", "change"), OBJECTS, ids=[name for name, _ in OBJECTS])
async def test_a_change_wakes_who_looks_at_it_and_nobody_else(
    clock: VirtualClock, store: str, change: Callable[[RegistryStage], None]
) -> None:
    stage = RegistryStage(clock, cosi=True)
    async with stage.running() as operator:
        await a_granted_bucket(stage)
        before = runs(operator)
        change(stage)
        await stage.settle(2)
        after = runs(operator)

    woken = {name for name in after if after[name] > before[name]}
    assert woken == {name for name, stores in TRIGGERS.items() if store in stores}


@pytest.mark.virtual
@pytest.mark.parametrize(
    ("resource", "store"),
    [(POD_DISRUPTION_BUDGET, "pod_disruption_budgets"), (AUTOSCALER, "autoscalers")],
)
async def test_what_several_pods_have_wakes_who_looks_at_it(
    clock: VirtualClock, resource: Resource, store: str
) -> None:
    stage = RegistryStage(clock)
    async with stage.running() as operator:
        stage.api.put(SECRET, a_secret("s3-keys", {"accessKey": "A", "secretKey": "B"}))
        stage.create(storage=S3, autoscaling={"minReplicas": 2, "maxReplicas": 5})
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        before = runs(operator)
        touch(resource, "images")(stage)
        await stage.settle(2)
        after = runs(operator)

    woken = {name for name in after if after[name] > before[name]}
    assert woken == {name for name, stores in TRIGGERS.items() if store in stores}


@pytest.mark.virtual
@pytest.mark.parametrize("template", [None, "base"])
async def test_a_claim_of_a_user_wakes_who_looks_at_it_for_whoever_names_it(
    clock: VirtualClock, template: str | None
) -> None:
    stage = RegistryStage(clock, cosi=True)
    stage.create_template(storage=CLAIMED)
    stage.api.put(BUCKET_CLAIM, a_users_claim(ready=False))
    async with stage.running() as operator:
        stage.create(template=template, storage=None if template else CLAIMED)
        await stage.settle()
        assert stage.told() == ("False", "BucketNotReady")
        before = runs(operator)
        touch(BUCKET_CLAIM, "theirs")(stage)
        await stage.settle(2)
        after = runs(operator)

    woken = {name for name in after if after[name] > before[name]}
    assert woken == {name for name, stores in TRIGGERS.items() if "bucket_claims" in stores}


@pytest.mark.virtual
async def test_a_config_map_that_is_referred_to_wakes_who_looks_at_it(clock: VirtualClock) -> None:
    stage = RegistryStage(clock)
    async with stage.running() as operator:
        stage.api.put(CONFIG_MAP, a_config_map("store-ca", CERTIFICATES))
        stage.create(storage=TRUSTING)
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        before = runs(operator)
        touch(CONFIG_MAP, "store-ca")(stage)
        await stage.settle(2)
        after = runs(operator)

    woken = {name for name in after if after[name] > before[name]}
    assert woken == {n for n, stores in TRIGGERS.items() if "referenced_config_maps" in stores}


@pytest.mark.virtual
@pytest.mark.parametrize(
    ("storage", "name", "store"),
    [
        (CLAIM, "images-data", "volume_claims"),
        (NAMED_CLAIM, "theirs", "referenced_volume_claims"),
    ],
)
async def test_a_claim_wakes_who_looks_at_it(
    clock: VirtualClock, storage: Any, name: str, store: str
) -> None:
    stage = RegistryStage(clock)
    body = a_volume_claim(a_registry())
    body["metadata"] = {"namespace": NAMESPACE, "name": "theirs"}
    stage.api.put(PERSISTENT_VOLUME_CLAIM, body)
    async with stage.running() as operator:
        stage.create(storage=storage)
        await stage.settle()
        before = runs(operator)
        touch(PERSISTENT_VOLUME_CLAIM, name)(stage)
        await stage.settle(2)
        after = runs(operator)

    woken = {name for name in after if after[name] > before[name]}
    assert woken == {name for name, stores in TRIGGERS.items() if store in stores}


@pytest.mark.virtual
async def test_a_status_of_its_own_children_wakes_only_who_reports_it(clock: VirtualClock) -> None:
    stage = RegistryStage(clock)
    async with stage.running() as operator:
        stage.create()
        await stage.settle()
        before = runs(operator)
        key = ObjectKey(NAMESPACE, "images")
        stage.api.change(DEPLOYMENT, key, lambda body: body["status"].update(collisionCount=1))
        await stage.settle(0.24)
        after = runs(operator)

    assert {name for name in after if after[name] > before[name]} == {reporter.NAME}


@pytest.mark.virtual
async def test_a_registry_wakes_everybody_and_its_status_only_the_reporter(
    clock: VirtualClock,
) -> None:
    stage = RegistryStage(clock)
    async with stage.running() as operator:
        stage.create()
        await stage.settle()
        before = runs(operator)
        stage.change(lambda spec: spec.update(service={"port": 80}))
        await stage.settle()
        after = runs(operator)
        assert all(after[name] > before[name] for name in after)

        key = ObjectKey(NAMESPACE, "images")
        stage.api.change(REGISTRY, key, lambda body: body["status"].update(image="x"))
        await stage.settle()
        last = runs(operator)
        assert {name for name in last if last[name] > after[name]} == {reporter.NAME}
        assert stage.status()["image"] == "registry:3.1.2"


@pytest.mark.virtual
async def test_secrets_are_read_while_somebody_refers_to_them(clock: VirtualClock) -> None:
    stage = RegistryStage(clock)
    stage.api.put(SECRET, a_secret("s3-keys", {"accessKey": "A", "secretKey": "B"}))
    async with stage.running() as operator:
        gets = "/api/v1/namespaces/team-a/secrets/s3-keys"
        stage.create(storage=S3)
        await stage.settle()
        read = len([r for r in stage.api.requests if r.path == gets])
        assert read >= 1
        stage.api.delete(REGISTRY, ObjectKey(NAMESPACE, "images"))
        await stage.settle()
        stage.api.put(SECRET, a_secret("s3-keys", {"accessKey": "C"}))
        await stage.settle()

        assert len([r for r in stage.api.requests if r.path == gets]) == read
        assert operator.outcomes.stats().owners == 0


@pytest.mark.virtual
async def test_the_one_table_of_the_domain_installs_every_controller(clock: VirtualClock) -> None:
    settings = Settings(name="stage", metrics=LOCAL, probes=LOCAL)
    client = Client(FakeApi((*registry_stage.OURS, *registry_stage.KINDS[1:]), clock=clock))
    operator = Operator(client, settings, clock=clock, rng=random.Random(1))
    controllers.install(operator, namespace=None, random_secret=lambda: "r")

    apart = {"template-status", client_checks.NAME}
    assert operator.manager().stats().controllers.keys() == TRIGGERS.keys() | apart


@pytest.mark.virtual
async def test_one_namespace_can_be_looked_at_alone(clock: VirtualClock) -> None:
    stage = RegistryStage(clock, namespace=NAMESPACE)
    elsewhere = {"namespace": "elsewhere", "name": "images"}
    async with stage.running():
        stage.create()
        stage.api.put(REGISTRY, {"apiVersion": REGISTRY.api_version, "kind": "Registry",
            "metadata": elsewhere, "spec": {"storage": {"emptyDir": {}}}})  # fmt: skip
        await stage.settle()

        assert stage.told() == ("True", "Ready")
        assert "status" not in stage.get(REGISTRY, "elsewhere", "images")
        paths = [r.path for r in stage.api.requests if REGISTRY_TEMPLATE.plural not in r.path]
        assert {path.split("/namespaces/")[1].split("/")[0] for path in paths} == {NAMESPACE}
