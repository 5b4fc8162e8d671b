"""A store takes lists and events in, tells what changed, and finds objects by index.

After client-go's tools/cache (the_real_fifo_test.go, controller_test.go, thread_safe_store_test.go)
and kube-rs's reflector. There is no queue between a watch and the store: what client-go asks of its
FIFO is asked of the store itself.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest

from registry_operator.kube.object import Object
from registry_operator.runtime.index import Index, by_label
from registry_operator.runtime.store import Applied, Change, Removed, Store
from registry_operator.runtime.watcher import Apply, Delete, Init, InitApply, InitDone
from registry_operator.testing.fake_transport import FakeStream
from registry_operator.testing.virtual_loop import VirtualClock
from tests.conformance.following import Following, in_short
from tests.conformance.origin import origin
from tests.unit.runtime.secrets_stage import SECRETS, a_body, a_secret, key

Tell: TypeAlias = Callable[[Mapping[str, Any]], None]


def heard_by(store: Store) -> list[Change]:
    """What a subscriber hears from now on."""
    heard: list[Change] = []
    store.subscribe(heard.append)
    heard.clear()
    return heard


@origin(100, "the_real_fifo_test :: TestRealFIFO_ReplaceMakesDeletions", "I2")
def test_what_a_list_lacks_is_told_as_removed_with_its_last_known_state() -> None:
    store = Store(SECRETS)
    writer = store.writer()
    writer.replace([a_secret("a", 1), a_secret("b", 2)], "5")
    latest = a_secret("a", 6)
    writer.upsert(latest)
    heard = heard_by(store)

    writer.replace([a_secret("b", 2)], "9")

    assert heard == [Removed(latest)]


@origin(101, "the_real_fifo_test :: TestRealFIFO_replaceWithDeleteDeltaIn", "I2")
def test_an_object_that_an_event_removed_is_not_removed_again_by_a_list() -> None:
    store = Store(SECRETS)
    writer = store.writer()
    writer.replace([a_secret("a", 1)], "5")
    heard = heard_by(store)

    writer.remove(a_secret("a", 6))
    writer.replace([], "9")

    assert [in_short(change) for change in heard] == ["-a"]


@origin(102, "the_real_fifo_test :: TestRealFIFOW_ReplaceMakesDeletionsForObjectsOnlyInQueue", "I2")
def test_an_object_that_only_an_event_has_shown_is_removed_by_a_list_too() -> None:
    store = Store(SECRETS)
    writer = store.writer()
    writer.replace([], "5")
    writer.upsert(a_secret("a", 6))
    heard = heard_by(store)

    writer.replace([], "9")

    assert [in_short(change) for change in heard] == ["-a"]
    assert store.list() == []


@origin(103, "the_real_fifo_test :: TestRealFIFO_HasSynced / _HasSyncedCorrectOnDeletion", "I4")
@pytest.mark.parametrize("names", [(), ("a", "b")], ids=["empty", "two"])
def test_a_store_is_synced_by_its_first_complete_list_and_stays_so(names: tuple[str, ...]) -> None:
    store = Store(SECRETS)
    heard = heard_by(store)
    writer = store.writer()
    assert not store.stats().synced

    writer.replace([a_secret(name, 1) for name in names], "5")
    assert store.stats().synced
    for name in names:
        writer.remove(a_secret(name, 6))

    assert store.stats().synced
    assert [in_short(change) for change in heard] == [
        *[f"+{name}" for name in names],
        *[f"-{name}" for name in names],
    ]


@origin(104, "the_real_fifo_test :: TestRealFIFO_ResyncNonExisting", "R17")
def test_a_resync_does_not_bring_back_what_is_gone() -> None:
    store = Store(SECRETS)
    writer = store.writer()
    writer.replace([a_secret("a", 1)], "5")
    writer.remove(a_secret("a", 6))
    heard = heard_by(store)

    store.resync()

    assert heard == []
    assert store.get(key("a")) is None


@origin(105, "the_real_fifo_test :: TestRealFIFO_UpdateResyncRace", "R17")
def test_a_resync_after_a_change_tells_the_new_state() -> None:
    store = Store(SECRETS)
    writer = store.writer()
    writer.replace([a_secret("a", 1)], "5")
    new = a_secret("a", 6)
    writer.upsert(new)
    heard = heard_by(store)

    store.resync()

    assert heard == [Applied(new, new, resync=True)]
    assert store.get(key("a")) is new


@origin(106, "the_real_fifo_test :: TestRealFIFO_ReplaceAtomic / _ReplaceAtomicPop", "I2")
def test_nobody_sees_half_of_a_list() -> None:
    store = Store(SECRETS)
    writer = store.writer()
    writer.replace([a_secret("old", 1)], "5")
    seen: list[set[str]] = []
    store.subscribe(lambda _change: seen.append({obj.name for obj in store.list()}))
    seen.clear()

    writer.replace([a_secret("a", 6), a_secret("b", 7)], "9")

    assert seen == [{"a", "b"}] * 3


@origin(108, "controller_test :: TestReplaceEvents", "I2")
def test_a_list_is_told_as_deletions_first_then_as_changes_and_additions() -> None:
    """Changes and additions keep the order of the list: handlers only collect keys."""
    store = Store(SECRETS)
    writer = store.writer()
    changed = a_secret("changed", 1)
    writer.replace([changed, a_secret("gone", 2)], "5")
    heard = heard_by(store)

    writer.replace([a_secret("changed", 7), a_secret("new", 8)], "9")

    assert [in_short(change) for change in heard] == ["-gone", "~changed", "+new"]
    assert heard[1] == Applied(changed, a_secret("changed", 7))


@origin(109, "controller_test :: TestResetWatch", "I5")
def test_only_the_first_list_is_told_as_initial() -> None:
    store = Store(SECRETS)
    heard = heard_by(store)
    writer = store.writer()

    writer.replace([a_secret("a", 1)], "5")
    writer.replace([a_secret("a", 1), a_secret("b", 6)], "9")

    assert heard == [
        Applied(None, a_secret("a", 1), initial=True),
        Applied(None, a_secret("b", 6), initial=False),
    ]


@origin(110, "controller_test :: TestStoreResourceVersion", "I12")
def test_the_store_knows_the_last_version_of_lists_events_and_bookmarks() -> None:
    store = Store(SECRETS)
    writer = store.writer()

    writer.replace([a_secret("a", 1)], "5")
    assert store.stats().resource_version == "5"
    writer.upsert(a_secret("a", 6))
    assert store.stats().resource_version == "6"
    writer.remove(a_secret("a", 7))
    assert store.stats().resource_version == "7"
    writer.bookmark("9")
    assert store.stats().resource_version == "9"
    writer.replace([], "12")

    assert store.has_passed("12")
    assert not store.has_passed("13")


def a_rough_passage(following: Following, rng: random.Random) -> tuple[dict[str, int], FakeStream]:
    """Script 300 writes, some of them in a gap of the watch; return what is there, and the watch."""
    server: dict[str, int] = {}
    following.serve_list("1")
    watch = following.serve_watch()
    for version in range(2, 302):
        name = rng.choice("abcdef")
        tell: Tell = watch.modified if name in server else watch.added
        if name in server and rng.random() < 0.4:
            del server[name]
            tell = watch.deleted
        else:
            server[name] = version
        fate = rng.random()
        if fate > 0.9:
            watch.error(410, "Expired")
            following.serve_list(str(version), **server)
        else:
            tell(a_body(name, version))
        if 0.8 < fate < 0.85:
            watch.end()
        elif 0.85 < fate < 0.9:
            watch.cut()
        if fate > 0.8:
            watch = following.serve_watch(resourceVersion=str(version))
    return server, watch


@origin(111, "controller_test :: TestHammerController", "")
@pytest.mark.parametrize("seed", range(8))
async def test_random_writes_and_random_gaps_end_in_what_the_server_holds(
    clock: VirtualClock, seed: int
) -> None:
    following = Following(clock, seed=seed)
    server, watch = a_rough_passage(following, random.Random(seed))

    async with following.running():
        await watch.opened()
        watch.added(a_body("last", 400))
        await following.until(lambda: "last" in following.held)

    truth = {name: str(version) for name, version in server.items()} | {"last": "400"}
    mirror: dict[str, str] = {}
    for change in following.heard:
        if isinstance(change, Applied):
            mirror[change.new.name] = change.new.resource_version
        else:
            del mirror[change.old.name]
    assert following.held == mirror == truth
    assert {"Closed", "ConnectionFailed", "Expired"} <= set(following.reasons())


@origin(114, "controller_test :: TestDeletedObjectGetKey", "I2")
def test_a_removed_object_has_the_key_it_had_whether_a_list_or_an_event_removed_it() -> None:
    store = Store(SECRETS)
    writer = store.writer()
    writer.replace([a_secret("a", 1), a_secret("b", 2)], "5")
    heard = heard_by(store)

    writer.remove(a_secret("a", 6))
    writer.replace([], "9")

    assert [change.old.key for change in heard if isinstance(change, Removed)] == [
        key("a"),
        key("b"),
    ]


def a_labelled(name: str, version: int, **labels: str) -> Object:
    return a_secret(name, version, labels=labels)


@origin(116, "shared_informer_test :: TestIndexer", "I10")
def test_an_index_follows_additions_changes_and_removals() -> None:
    store = Store(SECRETS, indexes={"team": by_label("team")})
    writer = store.writer()

    def found(team: str) -> list[str]:
        return [obj.name for obj in store.by_index("team", team)]

    writer.replace([a_labelled("a", 1, team="blue"), a_labelled("b", 2, team="red")], "5")
    assert (found("blue"), found("red")) == (["a"], ["b"])
    writer.upsert(a_labelled("c", 6, team="blue"))
    assert found("blue") == ["a", "c"]
    writer.upsert(a_labelled("a", 7, team="red"))
    assert (found("blue"), found("red")) == (["c"], ["a", "b"])
    writer.remove(a_labelled("b", 8, team="red"))
    assert found("red") == ["a"]


@origin(125, "thread_safe_store_test :: TestThreadSafeStoreDeleteRemovesEmptySetsFromIndex", "I10")
def test_a_value_that_no_object_has_any_more_leaves_the_index() -> None:
    index = Index("team", by_label("team"))
    obj = a_labelled("a", 1, team="blue")
    index.put(obj, None)
    index.discard(obj)

    assert len(index) == 0


@origin(
    125,
    "thread_safe_store_test :: TestThreadSafeStoreAddKeepsNonEmptySetPostDeleteFromIndex",
    "I10",
)
def test_a_value_stays_in_the_index_as_long_as_one_object_has_it() -> None:
    index = Index("team", by_label("team"))
    before = a_labelled("a", 1, team="blue")
    index.put(before, None)
    index.put(a_labelled("b", 2, team="blue"), None)

    index.put(a_labelled("a", 3, team="red"), before)

    assert index.keys("blue") == [key("b")]


@origin(
    125, "thread_safe_store_test :: TestThreadSafeStoreIndexingFunctionsWithMultipleValues", "I10"
)
def test_an_object_is_found_by_each_of_its_values_and_by_none_that_it_lost() -> None:
    index = Index("labels", lambda obj: obj.labels.values())
    before = a_labelled("a", 1, x="one", y="two")
    index.put(before, None)
    assert index.keys("one") == index.keys("two") == [key("a")]

    index.put(a_labelled("a", 2, y="two", z="three"), before)

    assert index.keys("one") == []
    assert index.keys("two") == index.keys("three") == [key("a")]


@origin(127, "reflector/mod.rs :: reflector_applied_should_add_object", "")
@origin(127, "reflector/mod.rs :: reflector_applied_should_update_object", "")
@origin(127, "reflector/mod.rs :: reflector_deleted_should_remove_object", "")
async def test_an_applied_object_is_there_an_updated_one_is_new_and_a_deleted_one_gone(
    clock: VirtualClock,
) -> None:
    following = Following(clock)

    held = []
    for event in (Apply(a_secret("a", 1)), Apply(a_secret("a", 2)), Delete(a_secret("a", 3))):
        following.reflector.take(event)
        held.append(following.held)

    assert held == [{"a": "1"}, {"a": "2"}, {}]


@origin(127, "reflector/mod.rs :: reflector_restarted_should_clear_objects", "")
async def test_a_new_picture_replaces_the_old_one_when_it_is_complete_and_not_before(
    clock: VirtualClock,
) -> None:
    following = Following(clock)
    following.reflector.take(Apply(a_secret("a", 1)))

    following.reflector.take(Init())
    following.reflector.take(InitApply(a_secret("b", 2)))
    assert following.held == {"a": "1"}
    following.reflector.take(InitDone("5"))

    assert following.held == {"b": "2"}
