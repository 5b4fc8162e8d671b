"""The reconciler of what COSI leaves stuck: what it asks, writes and tells, and how often."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from controllers.kinds import BUCKET, BUCKET_CLAIM
from controllers.registry.inputs import CosiObjects, RegistryInputs
from controllers.registry.mender import INTERVAL_SECONDS, NAME, Mender
from registry_operator.kube.client import Client
from registry_operator.kube.errors import ApiError, Conflict, Forbidden, InternalError
from registry_operator.kube.exchange import Request
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.clock import whole_time
from registry_operator.runtime.outcome import After, Blocked, Done
from registry_operator.runtime.outcomes import Outcomes
from registry_operator.runtime.store import Store
from registry_operator.testing.builders import (
    CLAIMED,
    NAMESPACE,
    S3,
    a_registry,
    an_object,
    deleting,
)
from registry_operator.testing.claims import (
    a_bucket,
    a_bucket_access,
    a_bucket_claim,
    a_users_claim,
)
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.fake_transport import on
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry.snapshots import a_cosi_registry, a_snapshot

pytestmark = pytest.mark.virtual

KEY = ObjectKey(NAMESPACE, "images")
OWN = a_cosi_registry()
NAMING = a_registry(storage=CLAIMED)


class Workshop:
    """A mender with one Registry, whose claim is on the server, and its Bucket beside it."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.api = FakeApi([BUCKET_CLAIM, BUCKET], clock=clock)
        self.claims = Store(BUCKET_CLAIM)
        self.outcomes = Outcomes()
        self.registry: dict[str, Any] | None = OWN
        self.claim = KEY
        self.access: dict[str, Any] | None = None
        client = Client(self.api)
        self.mender = Mender(
            client=client,
            claims=self.claims,
            gather=self.gather,
            outcomes=self.outcomes,
            clock=clock,
            field_manager="stage/mender",
        )

    def put(self, claim: dict[str, Any], *, ready: bool = True, **status: Any) -> None:
        """A claim that is not ready, and its Bucket, which is or is not."""
        del claim["metadata"]["uid"]
        told = {"bucketReady": False, "bucketName": f"bucket-{claim['metadata']['name']}"}
        stored = self.api.put(BUCKET_CLAIM, {**claim, "status": told | status})
        self.claim = ObjectKey(NAMESPACE, claim["metadata"]["name"])
        self.api.put(BUCKET, a_bucket(stored, ready=ready))

    def gather(self, _key: ObjectKey) -> RegistryInputs | None:
        if self.registry is None:
            return None
        claim = self.api.get(BUCKET_CLAIM, self.claim)
        cosi = CosiObjects(
            served=True,
            claim=Object.of(claim) if claim else None,
            access=an_object(self.access) if self.access else None,
        )
        return a_snapshot(self.registry, cosi=cosi)

    async def look(self) -> Any:
        """What the mender tells; the board has the same."""
        outcome = await self.mender.reconcile(KEY)
        if self.registry is not None:
            assert self.outcomes.of(KEY)[NAME].outcome == outcome
        return outcome

    def asked(self) -> list[str]:
        asked, self.api.requests = self.api.requests, []
        return [f"{one.method} {one.path.rpartition('v1alpha1/')[2]}" for one in asked]

    def is_ready(self) -> bool:
        claim = self.api.get(BUCKET_CLAIM, self.claim)
        assert claim is not None
        return bool(claim["status"]["bucketReady"])

    def forget(self) -> None:
        """COSI's controller takes back that the claim is ready."""
        self.api.change(
            BUCKET_CLAIM, self.claim, lambda body: body["status"].update(bucketReady=False)
        )


@pytest.fixture
async def shop(clock: VirtualClock) -> Workshop:
    return Workshop(clock)


async def test_a_claim_whose_bucket_is_ready_is_set_right_after_a_minute(shop: Workshop) -> None:
    shop.put(a_bucket_claim(OWN))
    assert await shop.look() == After(60.0)
    assert shop.asked() == []

    await shop.clock.sleep(60)
    outcome = await shop.look()
    assert isinstance(outcome, After)
    assert outcome.reason == "BucketClaimStuck"
    assert shop.is_ready()
    held = shop.claims.get(KEY)
    assert held is not None
    assert held.body()["status"]["bucketReady"] is True
    patch = shop.api.requests[-1]
    assert shop.asked() == [
        "GET buckets/bucket-images",
        "PATCH namespaces/team-a/bucketclaims/images/status",
    ]
    assert orjson.loads(patch.body or b"")["metadata"].keys() == {"uid", "resourceVersion"}
    assert await shop.look() == Done()


async def test_it_is_said_again_after_some_minutes_and_told_meanwhile(shop: Workshop) -> None:
    shop.put(a_bucket_claim(OWN))
    await shop.clock.sleep(60)
    await shop.look()
    shop.forget()
    shop.asked()
    await shop.clock.sleep(20)
    outcome = await shop.look()

    assert isinstance(outcome, After)
    assert (outcome.delay, outcome.reason) == (INTERVAL_SECONDS - 20, "BucketClaimStuck")
    assert "--subresource=status" in outcome.message
    assert not shop.is_ready()
    assert shop.asked() == []

    await shop.clock.sleep(INTERVAL_SECONDS - 20)
    await shop.look()
    assert shop.is_ready()


async def test_a_claim_whose_bucket_is_not_ready_is_looked_after_now_and_then(
    shop: Workshop,
) -> None:
    shop.put(a_bucket_claim(OWN), ready=False)
    await shop.clock.sleep(60)
    assert await shop.look() == await shop.look() == After(INTERVAL_SECONDS)
    assert shop.asked() == ["GET buckets/bucket-images"]

    await shop.clock.sleep(INTERVAL_SECONDS)
    assert await shop.look() == After(INTERVAL_SECONDS)
    assert shop.asked() == ["GET buckets/bucket-images"]
    assert not shop.is_ready()


@pytest.mark.parametrize("status", [{"bucketReady": True}, {"bucketName": ""}])
async def test_a_claim_that_is_ready_or_has_no_bucket_costs_nothing(
    shop: Workshop, status: dict[str, Any]
) -> None:
    shop.put(a_bucket_claim(OWN), **status)
    await shop.clock.sleep(3600)

    assert await shop.look() == Done()
    assert shop.asked() == []


@pytest.mark.parametrize(
    ("registry", "claim"),
    [
        (NAMING, a_users_claim()),
        # Named, it is a user's, whatever it bears.
        (a_registry(storage={**CLAIMED, "bucketClaimName": "images"}), a_bucket_claim(OWN)),
        (a_cosi_registry(paused=True), a_bucket_claim(OWN)),
    ],
)
async def test_what_is_not_ours_to_write_is_told_only(
    shop: Workshop, registry: dict[str, Any], claim: dict[str, Any]
) -> None:
    shop.registry = registry
    shop.put({**claim, "metadata": dict(claim["metadata"])})
    await shop.clock.sleep(60)
    outcome = await shop.look()

    assert isinstance(outcome, After)
    assert outcome.reason == "BucketClaimStuck"
    assert not shop.is_ready()
    assert [one for one in shop.asked() if not one.startswith("GET buckets")] == []


async def test_another_claim_of_the_name_is_looked_at_anew(shop: Workshop) -> None:
    shop.put(a_bucket_claim(OWN))
    await shop.clock.sleep(60)
    await shop.look()
    shop.api.delete(BUCKET_CLAIM, KEY)
    shop.put(a_bucket_claim(OWN))
    await shop.clock.sleep(60)
    await shop.look()

    assert shop.is_ready()


def reads(request: Request) -> bool:
    return request.method == "GET"


async def test_who_may_not_read_buckets_says_nothing_of_them(shop: Workshop) -> None:
    shop.put(a_bucket_claim(OWN))
    shop.api.faults.plan(reads, Forbidden(403, reason="Forbidden", message="no"), times=None)
    await shop.clock.sleep(60)

    assert await shop.look() == After(INTERVAL_SECONDS)
    assert not shop.is_ready()


@pytest.mark.parametrize(
    "error",
    [
        Forbidden(403, reason="Forbidden", message="no"),
        Conflict(409, reason="Conflict", message="no"),
    ],
)
async def test_a_write_that_is_refused_leaves_the_word_to_the_user(
    shop: Workshop, error: ApiError
) -> None:
    shop.put(a_bucket_claim(OWN))
    shop.api.faults.plan(on("PATCH"), error, times=None)
    await shop.clock.sleep(60)
    outcome = await shop.look()

    assert isinstance(outcome, After)
    assert outcome.reason == "BucketClaimStuck"


async def test_a_server_in_trouble_is_told_and_asked_again(shop: Workshop) -> None:
    shop.put(a_bucket_claim(OWN))
    shop.api.faults.plan(reads, InternalError(500, reason="InternalError", message="oops"))
    await shop.clock.sleep(60)
    with pytest.raises(InternalError):
        await shop.mender.reconcile(KEY)
    told = shop.outcomes.of(KEY)[NAME].outcome

    assert isinstance(told, Blocked)
    assert told.reason == "WriteFailed"
    await shop.look()
    assert shop.is_ready()


@pytest.mark.parametrize("what", ["access", "claim"])
async def test_a_deletion_that_does_not_end_is_told_after_three_minutes(
    shop: Workshop, clock: VirtualClock, what: str
) -> None:
    began = whole_time(clock.now() - timedelta(seconds=60))
    body = a_bucket_access(OWN) if what == "access" else a_bucket_claim(OWN)
    going = deleting(body, finalizers=["a.io/x"])
    going["metadata"]["deletionTimestamp"] = began
    if what == "access":
        shop.access = going
    else:
        shop.mender._gather = lambda _key: a_snapshot(
            OWN, cosi=CosiObjects(served=True, claim=an_object(going))
        )
    assert await shop.look() == After(120.0)

    await clock.sleep(120)
    outcome = await shop.look()
    assert isinstance(outcome, Blocked)
    assert outcome.reason == "DeletionStuck"
    assert f"since {began}, held by a.io/x" in outcome.message
    await clock.sleep(600)
    assert await shop.look() == outcome
    assert shop.asked() == []


@pytest.mark.parametrize(
    "registry", [deleting(OWN), a_registry(storage=S3), a_registry(storage=None)]
)
async def test_who_goes_or_has_no_bucket_is_let_be(
    shop: Workshop, registry: dict[str, Any]
) -> None:
    shop.registry = registry
    shop.access = deleting(a_bucket_access(OWN))
    await shop.clock.sleep(3600)

    assert await shop.look() == Done()


async def test_a_registry_that_is_gone_is_forgotten(shop: Workshop) -> None:
    shop.put(a_bucket_claim(OWN))
    await shop.clock.sleep(60)
    await shop.look()
    shop.registry = None

    assert await shop.look() == Done()
    assert shop.outcomes.of(KEY) == {}
    assert shop.mender._looks == {}
