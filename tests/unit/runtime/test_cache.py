import gc

import pytest

from registry_operator.kube.errors import Forbidden, NotFound, TransportError
from registry_operator.kube.exchange import Response
from registry_operator.kube.resource import Resource
from registry_operator.runtime.cache import (
    GarbageCollector,
    NotDeclaredError,
    NotSyncedError,
)
from registry_operator.runtime.index import by_label
from registry_operator.testing.fake_transport import (
    a_refusal,
    on,
)
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.cache_stage import Stage
from tests.unit.runtime.secrets_stage import PATH, SECRETS, a_body

CLAIMS = Resource("objectstorage.k8s.io", "v1alpha1", "BucketClaim", "bucketclaims")
NOT_SERVED = a_refusal(NotFound(404, reason="NotFound", message="no such resource"))


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


async def test_declared_kinds_are_filled_and_only_then_is_the_cache_synced(stage: Stage) -> None:
    store = stage.cache.declare(SECRETS, indexes={"team": by_label("team")})
    stage.serve(SECRETS, "a", "b")
    before = stage.cache.synced

    async with stage.running():
        await stage.cache.wait_synced(10)

        assert len(store.list()) == 2
        assert (before, stage.cache.synced) == (False, True)
        assert stage.cache.store(SECRETS) is store


async def test_reading_a_kind_that_was_not_declared_names_the_line_to_add(stage: Stage) -> None:
    stage.cache.declare(SECRETS, metadata_only=True)

    with pytest.raises(NotDeclaredError, match=r"cache\.declare\(Secret\)"):
        stage.cache.store(SECRETS)
    with pytest.raises(NotDeclaredError, match=r"BucketClaim, metadata_only=True"):
        stage.cache.store(CLAIMS, metadata_only=True)


async def test_a_kind_may_be_held_in_full_and_as_metadata_but_neither_twice(stage: Stage) -> None:
    full = stage.cache.declare(SECRETS, label_selector="app=x")
    metadata = stage.cache.declare(SECRETS, metadata_only=True)

    with pytest.raises(ValueError, match="secrets is declared twice"):
        stage.cache.declare(SECRETS)

    assert stage.cache.store(SECRETS) is full
    assert stage.cache.store(SECRETS, metadata_only=True) is metadata
    assert stage.cache.stats().keys() == {"secrets", "secrets metadata"}


async def test_waiting_in_vain_names_the_kind_and_the_reason(stage: Stage) -> None:
    stage.cache.declare(SECRETS)
    forbidden = Forbidden(403, reason="Forbidden", message="no rule allows it")
    stage.transport.expect(on("GET", PATH), a_refusal(forbidden), times=None)

    async with stage.running():
        with pytest.raises(NotSyncedError, match=r'secrets \(Forbidden: the right to "list"'):
            await stage.cache.wait_synced(20)

    assert stage.clock.monotonic() == pytest.approx(20)


@pytest.mark.parametrize(
    "refusal", [NOT_SERVED, a_refusal(Forbidden(403, reason="Forbidden"))], ids=["404", "403"]
)
async def test_an_optional_kind_that_we_cannot_have_does_not_hold_up_the_start(
    stage: Stage, refusal: Response
) -> None:
    stage.cache.declare(SECRETS)
    claims = stage.cache.declare(CLAIMS, optional=True)
    stage.serve(SECRETS)
    stage.transport.expect(on("GET", CLAIMS.path()), refusal, times=None)

    async with stage.running():
        await stage.cache.wait_synced(10)

        assert not claims.synced


async def test_an_optional_kind_whose_state_is_unknown_holds_up_the_start(stage: Stage) -> None:
    stage.cache.declare(CLAIMS, optional=True)
    down = TransportError("refused", sent=False)
    stage.transport.expect(on("GET", CLAIMS.path()), down, times=None)

    async with stage.running():
        with pytest.raises(NotSyncedError, match="ConnectionFailed"):
            await stage.cache.wait_synced(60)


async def test_a_required_kind_that_goes_away_makes_the_cache_unready(stage: Stage) -> None:
    stage.cache.declare(SECRETS)
    watch = stage.serve(SECRETS)
    stage.transport.refuse_stream(on("GET", PATH), NotFound(404))
    stage.transport.expect(on("GET", PATH), NOT_SERVED, times=None)

    async with stage.running():
        await stage.cache.wait_synced()
        watch.cut()
        await stage.clock.sleep(10)

        assert stage.cache.pending()[0].startswith("secrets (NotFound:")


async def test_who_waits_after_a_kind_went_away_is_released_when_it_is_back(stage: Stage) -> None:
    stage.cache.declare(SECRETS)
    watch = stage.serve(SECRETS)
    stage.transport.refuse_stream(on("GET", PATH), NotFound(404))
    stage.transport.expect(on("GET", PATH), NOT_SERVED, times=4)

    async with stage.running():
        await stage.cache.wait_synced()
        stage.serve(SECRETS)
        watch.cut()
        await stage.clock.sleep(10)
        with pytest.raises(NotSyncedError):
            await stage.cache.wait_synced(1)

        await stage.cache.wait_synced(120)


async def test_the_collector_rests_while_filling_and_resumes_when_all_is_there(
    stage: Stage,
) -> None:
    stage.cache.declare(SECRETS)
    stage.serve(SECRETS)

    async with stage.running():
        await stage.cache.wait_synced()
        await stage.clock.sleep(1)
        told = list(stage.collector.told)

    assert told == stage.collector.told == ["rest", "resume"]


async def test_the_collector_does_not_wait_for_ever(stage: Stage) -> None:
    stage.cache.declare(SECRETS)
    stage.transport.expect(on("GET", PATH), NOT_SERVED, times=None)

    async with stage.running():
        await stage.clock.sleep(29)
        before = list(stage.collector.told)
        await stage.clock.sleep(2)

        assert (before, stage.collector.told) == (["rest"], ["rest", "resume"])


async def test_stopping_early_leaves_the_collector_on(stage: Stage) -> None:
    stage.cache.declare(SECRETS)
    stage.transport.expect(on("GET", PATH), NOT_SERVED, times=None)

    async with stage.running():
        await stage.clock.sleep(1)

    assert stage.collector.told == ["rest", "resume"]


async def test_a_running_cache_is_neither_started_twice_nor_extended(stage: Stage) -> None:
    stage.cache.declare(SECRETS)
    stage.serve(SECRETS)

    async with stage.running():
        await stage.cache.wait_synced()
        with pytest.raises(RuntimeError, match="runs already"):
            await stage.cache.run()
        with pytest.raises(RuntimeError, match=r"bucketclaims\.objectstorage\.k8s\.io"):
            stage.cache.declare(CLAIMS)


async def test_watch_lists_are_asked_for_by_a_flag(clock: VirtualClock) -> None:
    stage = Stage(clock, stream=True)
    store = stage.cache.declare(SECRETS)
    watch = stage.transport.expect_stream(on("GET", PATH, sendInitialEvents="true"))

    async with stage.running():
        watch.added(a_body("a", 3))
        watch.bookmark("4", initial_events_end=True)
        await stage.cache.wait_synced(10)

    assert len(store.list()) == 1


async def test_metrics_tell_objects_bytes_sync_restarts_and_raising_handlers(
    stage: Stage,
) -> None:
    store = stage.cache.declare(SECRETS)
    watch = stage.serve(SECRETS, "a", "b")
    stage.transport.expect_stream(on("GET", PATH, watch="true"))

    def refuse(change: object) -> None:
        raise ValueError(change)

    store.subscribe(refuse)
    async with stage.running():
        await stage.cache.wait_synced()
        watch.bookmark("6")
        watch.end()
        await stage.clock.sleep(1)

    kind = {"kind": "secrets"}
    assert stage.sample("registry_operator_cached_objects", **kind) == 2
    assert stage.sample("registry_operator_cached_bytes", **kind) == store.stats().bytes
    assert stage.sample("registry_operator_informer_synced", **kind) == 1
    assert stage.sample("registry_operator_informer_sync_seconds", **kind) == 0
    assert stage.sample("registry_operator_event_handler_errors_total", **kind) == 2
    assert stage.sample("registry_operator_watch_restarts_total", reason="Closed", **kind) == 1


async def test_stats_show_every_kind(stage: Stage) -> None:
    stage.cache.declare(SECRETS)
    stage.cache.declare(CLAIMS, optional=True)
    stage.serve(SECRETS, "a")
    stage.transport.expect(on("GET", CLAIMS.path()), NOT_SERVED, times=None)

    async with stage.running():
        await stage.cache.wait_synced()
        stats = stage.cache.stats()

    assert stats["secrets"].store.objects == stats["secrets"].reflector.lists == 1
    assert stats["bucketclaims.objectstorage.k8s.io"].optional
    assert stats["bucketclaims.objectstorage.k8s.io"].settled


def test_the_garbage_collector_of_python_is_switched_off_and_on_again() -> None:
    collector = GarbageCollector()
    try:
        collector.rest()
        resting = not gc.isenabled()
        collector.resume()

        assert resting
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
