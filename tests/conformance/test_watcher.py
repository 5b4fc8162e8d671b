"""How a watcher asks, when it takes a connection for dead, and how long it waits.

After kube-rs (kube-runtime/src/watcher.rs and utils).
"""

import random

import pytest

from registry_operator.kube.errors import TransportError
from registry_operator.runtime.backoff import Jittered
from registry_operator.testing.fake_transport import on
from registry_operator.testing.virtual_loop import VirtualClock
from tests.conformance.following import Following, asked
from tests.conformance.origin import origin
from tests.unit.runtime.secrets_stage import PATH, a_body

REFUSED = TransportError("connection refused", sent=False)


@pytest.fixture
def following(clock: VirtualClock) -> Following:
    return Following(clock)


@origin(
    95,
    "watcher.rs :: to_watch_params_initial_phase_with_streaming_list_sets_send_initial_events",
    "R1",
)
@pytest.mark.parametrize("stream", [True, False], ids=["WatchList", "pages"])
async def test_initial_events_are_asked_for_in_the_first_watch_of_a_stream_and_never_else(
    clock: VirtualClock, *, stream: bool
) -> None:
    following = Following(clock, stream=stream)
    following.serve_list("5")
    first = following.serve_watch()
    resumed = following.serve_watch(resourceVersion="6")

    async with following.running():
        first.bookmark("5", initial_events_end=True)
        first.added(a_body("a", 6))
        first.end()
        await resumed.opened()

    asked_for = [asked(request, "sendInitialEvents") for request in following.watches()]
    assert asked_for == ["true" if stream else None, None]


@origin(96, "watcher.rs :: idle_timeout_returns_none_on_dead_connection", "R13")
async def test_a_connection_without_a_byte_for_150_seconds_is_dead_and_replaced(
    following: Following,
) -> None:
    following.serve_list("5")
    dead = following.serve_watch()
    again = following.serve_watch(resourceVersion="5")

    async with following.running():
        await again.opened()
        assert not dead.is_open

    assert following.reasons() == ["Timeout"]
    assert 150 <= following.clock.monotonic() <= 152


@origin(96, "watcher.rs :: idle_timeout_returns_item_when_stream_has_data", "R13")
async def test_a_connection_that_says_something_now_and_then_is_kept(following: Following) -> None:
    following.serve_list("5")
    watch = following.serve_watch()

    async with following.running():
        for version in range(6, 16):
            await following.clock.sleep(140)
            watch.bookmark(str(version))
        await following.clock.sleep(1)
        assert watch.is_open

    assert following.version == "15"
    assert following.interruptions == []


@origin(96, "watcher.rs :: idle_timeout_returns_none_when_stream_ends", "R13")
async def test_a_connection_that_the_server_ends_is_not_waited_for(following: Following) -> None:
    following.serve_list("5")
    watch = following.serve_watch()
    again = following.serve_watch(resourceVersion="6")

    async with following.running():
        watch.bookmark("6")
        watch.end()
        await again.opened()

    assert following.reasons() == ["Closed"]
    assert following.clock.monotonic() == 0


@origin(97, "utils/backoff_reset_timer.rs :: should_reset_when_timer_expires", "R12")
async def test_waits_start_over_after_two_minutes_of_calm_and_not_before(
    clock: VirtualClock,
) -> None:
    backoff = Jittered(clock=clock, rng=random.Random(7))
    for _ in range(4):
        backoff.delay()

    await clock.sleep(120)
    grown = backoff.delay()
    await clock.sleep(121)

    assert grown >= 12.8
    assert 0.8 <= backoff.delay() <= 1.6


@origin(98, "utils/stream_backoff.rs :: stream_should_back_off", "R12")
async def test_each_failure_in_a_row_is_followed_by_a_longer_wait_and_events_by_none(
    following: Following,
) -> None:
    """A watcher never gives up: a back-off that closes the stream has no place here."""
    following.server.expect(on("GET", PATH), REFUSED, times=7)
    following.serve_list("5")
    watch = following.serve_watch()

    async with following.running():
        await watch.opened()
        healed = following.clock.monotonic()
        watch.added(a_body("a", 6))
        watch.added(a_body("b", 7))
        await following.until(lambda: len(following.held) == 2)

    for plain, wait in zip([0.8, 1.6, 3.2, 6.4, 12.8, 25.6], following.waits(), strict=True):
        assert plain <= wait <= 2 * plain
    assert following.clock.monotonic() == healed


@origin(99, "watcher.rs :: exponential_backoff_with_jitter_applies_randomness", "R12")
async def test_clients_that_fail_together_do_not_return_together(clock: VirtualClock) -> None:
    backoffs = [Jittered(clock=clock, rng=random.Random(seed)) for seed in range(50)]

    delays = [backoff.delay() for backoff in backoffs]

    assert len(set(delays)) == 50
    assert min(delays) < 0.9
    assert max(delays) > 1.5
