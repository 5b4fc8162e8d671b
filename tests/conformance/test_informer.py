"""Whoever subscribes to a store hears everything, once it matters, and disturbs nobody.

After client-go's tools/cache (controller_test.go, shared_informer_test.go) and the predicates of
kube-rs. Handlers are plain functions that are called while a change is taken in: there are no
buffers that could overflow, and no order that could be lost.
"""

from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from registry_operator.kube.exchange import Request, Response
from registry_operator.kube.object import LAST_APPLIED
from registry_operator.runtime.predicate import intent_changed
from registry_operator.runtime.store import Applied, Change, Failure, Removed, Store
from registry_operator.testing.fake_transport import a_list, a_status, an_answer, on
from registry_operator.testing.virtual_loop import VirtualClock
from tests.conformance.following import Following, in_short
from tests.conformance.origin import origin
from tests.unit.runtime.secrets_stage import PATH, SECRETS, a_body, a_secret


@pytest.fixture
def following(clock: VirtualClock) -> Following:
    return Following(clock)


class Listener:
    """A handler that remembers, in short, and can leave."""

    def __init__(self, store: Store) -> None:
        self.heard: list[str] = []
        self.leave = store.subscribe(lambda change: self.heard.append(in_short(change)))


def raise_at(name: str) -> Callable[[Change], None]:
    def handler(change: Change) -> None:
        if change.old is None and isinstance(change, Applied) and change.new.name == name:
            raise ValueError("no such thing")

    return handler


@origin(112, "controller_test :: TestUpdate", "I6")
@pytest.mark.parametrize(
    ("writes", "told"),
    [
        ("+", ["+a"]),
        ("++", ["+a", "~a"]),
        ("+-", ["+a", "-a"]),
        ("++-", ["+a", "~a", "-a"]),
        ("+-+", ["+a", "-a", "+a"]),
        ("-", []),
    ],
)
async def test_each_sequence_of_writes_is_told_as_it_was(
    following: Following, writes: str, told: list[str]
) -> None:
    following.serve_list("1")
    watch = following.serve_watch()

    async with following.running():
        for version, write in enumerate(writes, 2):
            (watch.added if write == "+" else watch.deleted)(a_body("a", version))
        watch.added(a_body("end", 20))
        await following.until(lambda: "end" in following.held)

    assert following.told == [*told, "+end"]


@origin(113, "controller_test :: TestTransformingInformer", "I9")
async def test_handlers_and_store_see_objects_only_without_what_is_left_out(
    following: Following,
) -> None:
    heavy: dict[str, Any] = {
        "managedFields": [{"manager": "kubectl"}],
        "annotations": {LAST_APPLIED: "{}", "kept": "yes"},
    }
    listed = a_list("Secret", [a_body("listed", 1, **heavy)], "5")
    following.server.expect(on("GET", PATH), an_answer(listed))
    watch = following.serve_watch()

    async with following.running():
        watch.added(a_body("watched", 6, **heavy))
        await following.until(lambda: "watched" in following.held)
        following.store.wrote(a_secret("written", 7, **heavy))

    shown = [change.new for change in following.heard if isinstance(change, Applied)]
    assert [obj.name for obj in shown] == ["listed", "watched", "written"]
    for obj in (*shown, *following.store.list()):
        assert "managedFields" not in obj.body()["metadata"]
        assert obj.annotations == {"kept": "yes"}


@origin(115, "controller_test :: TestPanicPropagated", "I7")
async def test_a_handler_that_raises_ends_neither_the_watch_nor_the_reflector(
    following: Following,
) -> None:
    """Where client-go lets the panic escape: a handler's fault is logged and counted, and no more."""
    following.store.subscribe(raise_at("a"))
    following.serve_list("5")
    watch = following.serve_watch()

    async with following.running():
        watch.added(a_body("a", 6))
        watch.added(a_body("b", 7))
        await following.until(lambda: "b" in following.held)
        assert watch.is_open

    assert following.held == {"a": "6", "b": "7"}
    assert following.store.stats().handler_failures == 1
    assert following.interruptions == []


@origin(118, "shared_informer_test :: TestSharedInformerInitializationRace", "I4")
async def test_a_handler_that_comes_at_any_moment_of_the_start_misses_nothing(
    following: Following,
) -> None:
    store = following.store
    listeners = [Listener(store)]
    amid_the_telling = store.subscribe(lambda _change: listeners.append(Listener(store)))
    page = a_list("Secret", [a_body("a", 1)], "5", continue_token="more")
    rest = a_list("Secret", [a_body("b", 2)], "5")

    def subscribe_between_two_pages(_request: Request) -> Response:
        listeners.append(Listener(store))
        return an_answer(rest)

    following.server.expect(on("GET", PATH, limit="500"), an_answer(page))
    following.server.expect(on("GET", PATH, **{"continue": "more"}), subscribe_between_two_pages)
    watch = following.serve_watch()

    async with following.running():
        await watch.opened()
        amid_the_telling()
        listeners.append(Listener(store))
        watch.added(a_body("c", 6))
        await following.until(lambda: "c" in following.held)

    assert len(listeners) == 5
    assert [set(listener.heard) for listener in listeners] == [{"+a", "+b", "+c"}] * 5


@origin(119, "shared_informer_test :: TestSharedInformerWatchDisruption", "I2, I3")
async def test_what_happened_in_a_gap_is_told_as_removal_change_recreation_and_addition(
    following: Following,
) -> None:
    following.serve_list("5", gone=1, same=2, changed=3, again=4)
    following.serve_watch().error(410, "Expired")
    bodies = [
        a_body("same", 2),
        a_body("changed", 7),
        a_body("again", 8, uid="another"),
        a_body("new", 9),
    ]
    following.server.expect(on("GET", PATH), an_answer(a_list("Secret", bodies, "9")))
    last = following.serve_watch(resourceVersion="9")

    async with following.running():
        await last.opened()

    assert following.told[4:] == ["-gone", "~changed", "~again", "+new"]
    recreated = following.heard[6]
    assert recreated == Applied(a_secret("again", 4), a_secret("again", 8, uid="another"))


@origin(120, "shared_informer_test :: TestSharedInformerErrorHandling", "R14")
async def test_what_keeps_a_store_from_following_is_told_to_the_observer_and_can_be_read(
    following: Following,
) -> None:
    status = a_status(503, "ServiceUnavailable", "etcd is away")
    following.server.expect(on("GET", PATH), an_answer(status, status=503))
    following.serve_list("5")
    watch = following.serve_watch()

    async with following.running():
        await following.until(lambda: bool(following.interruptions))
        error = following.store.stats().error
        await watch.opened()

    assert following.reasons() == ["ServiceUnavailable"]
    assert error is not None
    assert error == Failure("ServiceUnavailable", error.message)
    assert "etcd is away" in error.message
    assert following.store.stats().error is None


@origin(121, "shared_informer_test :: TestSharedInformerMultipleRegistration", "I8")
def test_a_handler_that_is_registered_twice_hears_twice_and_leaves_once_for_each() -> None:
    store = Store(SECRETS)
    writer = store.writer()
    heard: list[Change] = []
    leave_first = store.subscribe(heard.append)
    leave_second = store.subscribe(heard.append)

    writer.upsert(a_secret("a", 1))
    assert len(heard) == 2
    leave_first()
    writer.upsert(a_secret("a", 2))
    assert len(heard) == 3
    leave_second()
    writer.upsert(a_secret("a", 3))

    assert len(heard) == 3
    assert store.stats().subscribers == 0


@origin(121, "shared_informer_test :: TestSharedInformerRemoveHandler", "I8")
@origin(121, "shared_informer_test :: TestSharedInformerHandlerAbuse", "I8")
def test_a_handler_hears_nothing_after_it_left_even_amid_a_change_by_another_hand_or_twice() -> (
    None
):
    store = Store(SECRETS)
    heard: list[str] = []

    def once(change: Change) -> None:
        heard.append(in_short(change))
        for leave in (leave_once, leave_once, dismissed.leave):
            leave()

    leave_once = store.subscribe(once)
    dismissed = Listener(store)
    stayed = Listener(store)

    store.writer().replace([a_secret("a", 1), a_secret("b", 2)], "5")

    assert heard == ["+a"]
    assert dismissed.heard == []
    assert stayed.heard == ["+a", "+b"]


@origin(122, "shared_informer_test :: TestAddWhileActive", "I4, I5")
async def test_a_late_handler_has_heard_all_that_is_there_when_its_registration_returns(
    following: Following,
) -> None:
    following.serve_list("5", a=1)
    watch = following.serve_watch()
    late: list[Change] = []

    async with following.running():
        watch.added(a_body("b", 6))
        await following.until(lambda: "b" in following.held)
        following.store.subscribe(late.append)
        at_once = list(late)
        watch.added(a_body("c", 7))
        await following.until(lambda: "c" in following.held)

    assert at_once == [
        Applied(None, a_secret("a", 1), initial=True),
        Applied(None, a_secret("b", 6), initial=True),
    ]
    assert late[2:] == [Applied(None, a_secret("c", 7))]


@origin(124, "shared_informer_test :: TestEventPanics", "I7")
def test_a_raising_handler_is_logged_with_its_place_and_hears_the_next_event() -> None:
    store = Store(SECRETS)
    writer = store.writer()
    heard: list[str] = []

    def handler(change: Change) -> None:
        raise_at("a")(change)
        heard.append(in_short(change))

    store.subscribe(handler)
    other = Listener(store)

    with capture_logs() as logs:
        writer.upsert(a_secret("a", 1))
        writer.upsert(a_secret("b", 2))

    (entry,) = logs
    assert (entry["event"], entry["source"], entry["exc_info"]) == (
        "handler raised",
        "secrets",
        True,
    )
    assert heard == ["+b"]
    assert other.heard == ["+a", "+b"]


def of_generation(generation: int, version: int, *, uid: str = "first") -> Applied:
    """A change of `a`, which was of generation 3 and uid `first` at version 1."""
    old = a_secret("a", 1, uid="first", generation=3)
    return Applied(old, a_secret("a", version, uid=uid, generation=generation))


@origin(128, "utils/predicate.rs :: predicate_filtering_hides_equal_predicate_values", "Q5")
def test_a_change_that_leaves_the_generation_alone_wakes_nobody_and_another_does() -> None:
    assert not intent_changed(of_generation(3, 2))
    assert intent_changed(of_generation(4, 2))


@origin(
    128,
    "utils/predicate.rs :: predicate_filtering_should_handle_recreated_resources_with_same_generation",
    "Q5",
)
def test_an_object_made_anew_is_not_hidden_by_its_equal_generation() -> None:
    assert intent_changed(of_generation(3, 2, uid="second"))
    assert intent_changed(Removed(a_secret("a", 1, generation=3)))
