"""The snapshot of one Registry: everything of it, nothing of others, parsed once."""

from typing import Any

import pytest

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
from controllers.registry.gather import Gatherer
from controllers.registry.health import HealthProber
from controllers.registry.prover import Prover
from controllers.registry.references import credentials_keys
from controllers.registry.sharing import INDEX as INDEX_BY_PLACE
from controllers.registry.sharing import by_place
from controllers.registry.stores import Stores
from controllers.registry.template import INDEX, by_template
from controllers.registry.uploads import UploadsProber
from registry_operator.api.names import LABEL_REGISTRY
from registry_operator.api.registry import Registry
from registry_operator.distribution.check import Check, Result
from registry_operator.kube.client import Client
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.owned import OWNER_INDEX
from registry_operator.runtime.ownership import by_owner_label
from registry_operator.runtime.referenced import Referenced
from registry_operator.runtime.store import Store
from registry_operator.runtime.writer import Writer
from registry_operator.testing.builders import (
    CLAIM,
    CLAIMED,
    COSI,
    NAMED_CLAIM,
    NAMESPACE,
    S3,
    SELECTED,
    a_child_secret,
    a_deployment,
    a_pod,
    a_registry,
    a_replica_set,
    a_secret,
    a_service,
    a_service_account,
    an_endpoint_slice,
    an_object,
)
from registry_operator.testing.claims import (
    a_bucket_access,
    a_bucket_claim,
    a_users_claim,
    a_volume_claim,
)
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock

pytestmark = pytest.mark.virtual

KEY = ObjectKey(NAMESPACE, "images")
CHILDREN = (
    DEPLOYMENT, REPLICA_SET, POD, SERVICE, SERVICE_ACCOUNT, ENDPOINT_SLICE, BUCKET_CLAIM,
    BUCKET_ACCESS, PERSISTENT_VOLUME_CLAIM, POD_DISRUPTION_BUDGET, AUTOSCALER,
)  # fmt: skip


class Field:
    """Stores filled by hand, and a gatherer over them."""

    def __init__(self, clock: VirtualClock) -> None:
        index = {OWNER_INDEX: by_owner_label(LABEL_REGISTRY)}
        stores = {resource: Store(resource, indexes=index) for resource in CHILDREN}
        stores[DEPLOYMENT] = Store(DEPLOYMENT, indexes={**index, INDEX_BY_PLACE: by_place})
        self.templates = Store(REGISTRY_TEMPLATE)
        self.registries, self.secrets, self.others = (
            Store(REGISTRY, indexes={INDEX: by_template}),
            Store(SECRET, indexes=index),
            Store(SECRET),
        )
        self._writers = {resource: store.writer() for resource, store in stores.items()}
        self._writers |= {REGISTRY: self.registries.writer(), SECRET: self.secrets.writer()}
        self._writers[REGISTRY_TEMPLATE] = self.templates.writer()
        others: Writer = self.others.writer()
        others.replace([], "1")
        client = Client(FakeApi([SECRET, CONFIG_MAP, PERSISTENT_VOLUME_CLAIM], clock=clock))
        self.claims = Store(PERSISTENT_VOLUME_CLAIM)
        self.config_maps = Store(CONFIG_MAP)
        maps: Writer = self.config_maps.writer()
        maps.replace([], "1")
        self.stores = Stores(
            registries=self.registries,
            templates=self.templates,
            deployments=stores[DEPLOYMENT],
            replica_sets=stores[REPLICA_SET],
            pods=stores[POD],
            secrets=self.secrets,
            volume_claims=stores[PERSISTENT_VOLUME_CLAIM],
            services=stores[SERVICE],
            service_accounts=stores[SERVICE_ACCOUNT],
            endpoint_slices=stores[ENDPOINT_SLICE],
            pod_disruption_budgets=stores[POD_DISRUPTION_BUDGET],
            autoscalers=stores[AUTOSCALER],
            bucket_claims=stores[BUCKET_CLAIM],
            bucket_accesses=stores[BUCKET_ACCESS],
            referenced_secrets=Referenced(client, self.others, clock=clock),
            referenced_config_maps=Referenced(client, self.config_maps, clock=clock),
            referenced_volume_claims=Referenced(client, self.claims, clock=clock),
        )
        asked: Any = {"asker": _nobody, "clock": clock, "changed": lambda _pod: None}
        self.gatherer = Gatherer(
            self.stores,
            health=HealthProber(stores[POD], **asked),
            uploads=UploadsProber(stores[POD], **asked),
            prover=Prover(
                stores[POD],
                stores[DEPLOYMENT],
                checker=_unchecked,
                clock=clock,
                changed=lambda _pod: None,
            ),
            random_secret=lambda: "r",
            allows_host_path=False,
            clock=clock,
        )

    def show(self, resource: Resource, body: dict[str, Any]) -> None:
        self._writers[resource].upsert(an_object(body))

    def fill(self, resource: Resource) -> None:
        self._writers[resource].replace([], "1")


async def _unchecked(what: Check, *, nonce: bytes) -> Result:
    raise AssertionError(what, nonce)


async def _nobody(address: str, path: str) -> bytes:
    raise TimeoutError(address, path)


@pytest.fixture
async def field(clock: VirtualClock) -> Field:
    return Field(clock)


async def test_a_registry_that_is_not_there_has_no_snapshot(field: Field) -> None:
    assert field.gatherer.gather(KEY) is None


async def test_everything_of_a_registry_is_in_and_nothing_of_another(field: Field) -> None:
    mine, other = a_registry(storage=COSI), a_registry("other", storage=COSI)
    for registry in (mine, other):
        name = registry["metadata"]["name"]
        field.show(REGISTRY, registry)
        field.show(DEPLOYMENT, a_deployment(registry))
        field.show(REPLICA_SET, a_replica_set(registry, config="c", name=f"{name}-1"))
        field.show(POD, a_pod(registry, f"{name}-1-a"))
        field.show(SERVICE, a_service(registry))
        field.show(SERVICE_ACCOUNT, a_service_account(registry))
        field.show(ENDPOINT_SLICE, an_endpoint_slice(registry))
        field.show(SECRET, a_child_secret(registry, f"{name}-http-secret"))
        field.show(SECRET, a_child_secret(registry, f"{name}-config-0"))
        field.show(BUCKET_CLAIM, a_bucket_claim(registry))
        field.show(BUCKET_ACCESS, a_bucket_access(registry))
    found = field.gatherer.gather(KEY)

    assert found is not None
    children = found.children
    single = (
        children.service_account,
        children.http_secret,
        children.deployment,
        children.service,
        found.cosi.claim,
        found.cosi.access,
        *children.configurations,
        *children.replica_sets,
        *children.pods,
        *children.endpoint_slices,
    )
    assert len(single) == 10
    for child in single:
        assert child is not None
        assert child.name.startswith("images")
    assert found.random_secret() == "r"
    assert found.hold is None


async def test_children_of_the_registry_that_was_there_before_are_not_its_own(
    field: Field,
) -> None:
    before = a_registry()
    now = a_registry(metadata={"uid": "uid-of-another"})
    field.show(REGISTRY, now)
    field.show(DEPLOYMENT, a_deployment(before))
    field.show(SERVICE, a_service(before))
    field.show(SERVICE_ACCOUNT, a_service_account(before))
    for name in ("images-http-secret", "images-config-0"):
        field.show(SECRET, a_child_secret(before, name))

    inputs = field.gatherer.gather(KEY)

    assert inputs is not None
    children = inputs.children
    assert (children.deployment, children.service, children.service_account) == (None,) * 3
    assert (children.http_secret, children.configurations) == (None, ())


async def test_a_specification_is_parsed_once_per_version(field: Field) -> None:
    field.show(REGISTRY, a_registry())
    first, again = field.gatherer.gather(KEY), field.gatherer.gather(KEY)
    field.show(REGISTRY, a_registry(replicas=3))
    changed = field.gatherer.gather(KEY)

    assert first is not None
    assert again is not None
    assert changed is not None
    assert again.spec is first.spec
    assert changed.wanted.replicas == 3


async def test_what_cannot_be_read_is_told_by_field_without_its_value(field: Field) -> None:
    field.show(REGISTRY, a_registry(replicas="do-not-tell", image=7))
    found = field.gatherer.gather(KEY)

    assert found is not None
    assert found.spec is None
    assert found.hold == "SpecInvalid"
    assert found.refusal is not None
    assert "spec.replicas:" in found.refusal.message
    assert "spec.image:" in found.refusal.message
    assert "do-not-tell" not in found.refusal.message
    field.gatherer.declare_references(found.owner)
    assert field.stores.referenced_secrets.stats().keys == 0


@pytest.mark.parametrize(
    ("registry", "hold"),
    [
        (a_registry(), None),
        (a_registry(paused=True), "Paused"),
        (a_registry(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}), "Terminating"),
    ],
)
async def test_what_holds_writes_back(
    field: Field, registry: dict[str, Any], hold: str | None
) -> None:
    field.show(REGISTRY, registry)
    found = field.gatherer.gather(KEY)

    assert found is not None
    assert found.hold == hold


async def test_a_claim_of_its_name_that_is_not_its_own_is_not_used_unless_it_is_named(
    field: Field,
) -> None:
    field.show(BUCKET_CLAIM, a_users_claim("images"))
    field.show(REGISTRY, a_registry(storage=COSI))
    found = field.gatherer.gather(KEY)
    assert found is not None
    assert found.cosi.claim is None

    field.show(REGISTRY, a_registry(storage={**CLAIMED, "bucketClaimName": "images"}))
    found = field.gatherer.gather(KEY)
    assert found is not None
    assert found.cosi.claim is not None


async def test_a_claim_that_is_named_concerns_who_names_it_as_long_as_he_does(
    field: Field,
) -> None:
    claim = an_object(a_users_claim())
    field.show(REGISTRY, a_registry(storage=CLAIMED))
    assert field.gatherer.claims.concerned(claim) == ()

    found = field.gatherer.gather(KEY)
    assert found is not None
    assert found.cosi.claim is None
    assert field.gatherer.claims.concerned(claim) == (KEY,)

    field.show(REGISTRY, a_registry(storage=COSI))
    field.gatherer.gather(KEY)
    assert field.gatherer.claims.concerned(claim) == ()


async def test_cosi_is_served_when_both_kinds_are_in_memory(field: Field) -> None:
    field.show(REGISTRY, a_registry(storage=COSI))
    served = []
    for resource in (BUCKET_CLAIM, BUCKET_ACCESS):
        found = field.gatherer.gather(KEY)
        assert found is not None
        served.append(found.cosi.served)
        field.fill(resource)
    found = field.gatherer.gather(KEY)
    assert found is not None

    assert [*served, found.cosi.served] == [False, False, True]


@pytest.mark.parametrize(
    ("storage", "names"),
    [
        (None, []),
        ({}, []),
        ({"emptyDir": {}}, []),
        ({"s3": {"bucket": "b"}}, []),
        (S3, ["s3-keys"]),
        (SELECTED, ["s3-place", "s3-keys"]),
        (COSI, ["images-bucket"]),
    ],
)
async def test_the_secrets_with_credentials_are_known_by_the_storage(
    field: Field, storage: dict[str, Any] | None, names: list[str]
) -> None:
    registry = a_registry(storage=storage)
    field.show(REGISTRY, registry)
    owner, keys = an_object(registry), tuple(ObjectKey(NAMESPACE, name) for name in names)
    spec = Registry.model_validate(registry).spec

    assert credentials_keys(owner, spec.storage) == keys
    field.gatherer.declare_references(owner)
    for key in keys:
        assert field.stores.referenced_secrets.referrers(key) == {KEY}
    assert field.stores.referenced_secrets.stats().keys == len(keys)
    found = field.gatherer.gather(KEY)
    assert found is not None
    # An empty list of Secrets was taken in: that there is none is known.
    assert found.credentials.known
    assert found.credentials.secrets == {}


async def test_a_secret_that_exists_is_unknown_until_it_was_read(clock: VirtualClock) -> None:
    field = Field(clock)
    field.show(REGISTRY, a_registry(storage=S3))
    field.others._replace([an_object(a_secret("s3-keys", {}))], "2")
    found = field.gatherer.gather(KEY)

    assert found is not None
    assert not found.credentials.known


async def test_the_claim_that_is_made_is_seen_among_ours(field: Field) -> None:
    registry = a_registry(storage=CLAIM)
    field.show(REGISTRY, registry)
    found = field.gatherer.gather(KEY)
    assert found is not None
    assert (found.volume_claim.known, found.volume_claim.found) == (True, None)

    field.show(PERSISTENT_VOLUME_CLAIM, a_volume_claim(registry))
    found = field.gatherer.gather(KEY)
    assert found is not None
    assert found.volume_claim.found is not None
    assert found.volume_claim.found.name == "images-data"


async def test_a_claim_of_others_is_referred_to_and_unknown_until_it_was_looked_for(
    field: Field,
) -> None:
    registry, key = a_registry(storage=NAMED_CLAIM), ObjectKey(NAMESPACE, "theirs")
    field.show(REGISTRY, registry)
    field.gatherer.declare_references(an_object(registry))
    found = field.gatherer.gather(KEY)

    assert field.stores.referenced_volume_claims.referrers(key) == {KEY}
    assert found is not None
    assert not found.volume_claim.known

    field.claims.writer().replace([], "1")
    found = field.gatherer.gather(KEY)
    assert found is not None
    assert (found.volume_claim.known, found.volume_claim.found) == (True, None)

    field.gatherer.drop_references(KEY)
    assert field.stores.referenced_volume_claims.referrers(key) == set()


async def test_credentials_are_unknown_while_one_of_several_secrets_is(clock: VirtualClock) -> None:
    field = Field(clock)
    field.show(REGISTRY, a_registry(storage=SELECTED))
    field.others._replace([an_object(a_secret("s3-place", {}))], "2")
    found = field.gatherer.gather(KEY)

    assert found is not None
    assert not found.credentials.known
