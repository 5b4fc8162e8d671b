"""The reconciler of the finalizer: what it asks of the server, and what it tells."""

from typing import Any

import orjson
import pytest

from controllers.kinds import BUCKET_ACCESS, BUCKET_CLAIM, REGISTRY
from controllers.registry.finalizer import FINALIZER
from controllers.registry.guardian import NAME, Guardian
from controllers.registry.inputs import CosiObjects, RegistryInputs
from registry_operator.kube.client import Client
from registry_operator.kube.errors import Conflict, Forbidden, TransportError
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.applier import Applier
from registry_operator.runtime.clock import whole_time
from registry_operator.runtime.outcome import After, Blocked, Done
from registry_operator.runtime.outcomes import Outcomes
from registry_operator.runtime.store import Store
from registry_operator.testing.builders import NAMESPACE, a_registry
from registry_operator.testing.claims import a_bucket_access
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.fake_transport import on
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry.snapshots import a_cosi_registry, a_snapshot

pytestmark = pytest.mark.virtual

KEY = ObjectKey(NAMESPACE, "images")
TAKES_ALONG = a_cosi_registry(deletionPolicy="Delete")


class Post:
    """A guardian with one Registry to guard."""

    def __init__(self, clock: VirtualClock) -> None:
        self.api = FakeApi([REGISTRY, BUCKET_CLAIM, BUCKET_ACCESS], clock=clock)
        self.registries = Store(REGISTRY)
        self.outcomes = Outcomes()
        self.access: Object | None = None
        client = Client(self.api)
        self.guardian = Guardian(
            client=client,
            stores={one.kind: Store(one) for one in (BUCKET_CLAIM, BUCKET_ACCESS)},
            registries=self.registries,
            gather=self.gather,
            applier=Applier(client, field_manager="stage/f", observer=lambda *_told: None),
            outcomes=self.outcomes,
            clock=clock,
            field_manager="stage/finalizer",
        )

    def put(self, body: dict[str, Any], **metadata: Any) -> None:
        own = {n: v for n, v in body["metadata"].items() if n in {"namespace", "name", "labels"}}
        self.api.put(REGISTRY, {**body, "metadata": own | metadata})

    def gather(self, key: ObjectKey) -> RegistryInputs | None:
        body = self.api.get(REGISTRY, key)
        if body is None:
            return None
        return a_snapshot(body, cosi=CosiObjects(served=True, access=self.access))

    @property
    def told(self) -> object:
        return self.outcomes.of(KEY)[NAME].outcome

    @property
    def finalizers(self) -> list[str]:
        body = self.api.get(REGISTRY, KEY)
        assert body is not None
        return [*body["metadata"].get("finalizers", ())]


@pytest.fixture
async def post(clock: VirtualClock) -> Post:
    return Post(clock)


async def test_the_finalizer_is_set_beside_those_of_others_and_read_at_once(post: Post) -> None:
    post.put(TAKES_ALONG, finalizers=["other"])
    assert await post.guardian.reconcile(KEY) == Done()

    assert post.finalizers == ["other", FINALIZER]
    held = post.registries.get(KEY)
    assert held is not None
    assert FINALIZER in held.metadata.finalizers


async def test_it_is_taken_away_alone_whoever_set_it(post: Post) -> None:
    post.put(a_registry(), finalizers=[FINALIZER, "other"])
    await post.guardian.reconcile(KEY)

    assert post.finalizers == ["other"]


async def test_a_change_in_between_is_not_overwritten(post: Post) -> None:
    post.put(TAKES_ALONG, finalizers=["other"])
    stale = post.gather(KEY)
    post.api.change(REGISTRY, KEY, lambda body: body["metadata"].update(finalizers=["newer"]))
    post.guardian._gather = lambda _key: stale

    with pytest.raises(Conflict):
        await post.guardian.reconcile(KEY)
    assert post.finalizers == ["newer"]
    assert isinstance(post.told, Blocked)
    assert post.told.reason == "WriteFailed"


async def test_what_goes_is_deleted_as_it_was_seen_and_told(post: Post) -> None:
    post.put(TAKES_ALONG, finalizers=[FINALIZER])
    access = a_bucket_access(TAKES_ALONG)
    del access["metadata"]["uid"]
    post.access = Object.of(post.api.put(BUCKET_ACCESS, access))
    post.api.delete(REGISTRY, KEY)
    outcome = await post.guardian.reconcile(KEY)

    assert outcome == Blocked("Terminating", "BucketAccess images is being deleted")
    assert post.told == outcome
    assert post.api.objects(BUCKET_ACCESS) == []
    preconditions = orjson.loads(post.api.requests[-1].body or b"")["preconditions"]
    assert preconditions["uid"] == post.access.uid


async def test_data_does_not_go_where_its_user_has_thought_again_unseen_by_us(post: Post) -> None:
    post.put(TAKES_ALONG, finalizers=[FINALIZER])
    access = a_bucket_access(TAKES_ALONG)
    del access["metadata"]["uid"]
    post.access = Object.of(post.api.put(BUCKET_ACCESS, access))
    post.api.delete(REGISTRY, KEY)
    stale = post.gather(KEY)
    post.guardian._gather = lambda _key: stale
    post.api.change(REGISTRY, KEY, lambda body: body["spec"].update(deletionPolicy="Retain"))

    with pytest.raises(Conflict):
        await post.guardian.reconcile(KEY)
    assert len(post.api.objects(BUCKET_ACCESS)) == 1


async def test_what_is_on_its_way_is_waited_for_and_told_when_it_does_not_end(
    post: Post, clock: VirtualClock
) -> None:
    post.put(TAKES_ALONG, finalizers=[FINALIZER])
    access = a_bucket_access(TAKES_ALONG)
    going = {"deletionTimestamp": whole_time(clock.now()), "finalizers": ["x", "y"]}
    post.access = Object.of({**access, "metadata": access["metadata"] | going})
    post.api.delete(REGISTRY, KEY)
    before = len(post.api.requests)
    await clock.sleep(10)
    outcome = await post.guardian.reconcile(KEY)

    assert outcome == After(170.0, "Terminating", "BucketAccess images is being deleted")
    await clock.sleep(170)
    outcome = await post.guardian.reconcile(KEY)
    assert isinstance(outcome, Blocked)
    assert outcome.reason == "Terminating"
    assert "held by x, y" in outcome.message
    assert "kubectl -n team-a patch bucketaccess images --type=json" in outcome.message
    assert len(post.api.requests) == before


async def test_a_refusal_is_told_and_tried_again_slowly(post: Post) -> None:
    rbac = 'User "u" cannot patch resource "registries" in API group "registry-operator.dev"'
    post.put(TAKES_ALONG)
    post.api.faults.plan(on("PATCH"), Forbidden(403, reason="Forbidden", message=rbac))
    outcome = await post.guardian.reconcile(KEY)

    assert isinstance(outcome, After)
    assert "the right to patch registries.registry-operator.dev" in outcome.message
    assert post.told == outcome


async def test_a_lost_connection_is_told_and_retried(post: Post) -> None:
    post.put(TAKES_ALONG)
    post.api.faults.plan(on("PATCH"), TransportError("cut", sent=True))

    with pytest.raises(TransportError):
        await post.guardian.reconcile(KEY)
    assert isinstance(post.told, Blocked)
    assert "guard the data of team-a/images: cut" in post.told.message


async def test_a_registry_that_is_gone_is_forgotten(post: Post) -> None:
    post.put(a_registry())
    await post.guardian.reconcile(KEY)
    assert post.told == Done()
    post.api.delete(REGISTRY, KEY)

    assert await post.guardian.reconcile(KEY) == Done()
    assert post.outcomes.of(KEY) == {}
