import pytest
from structlog.testing import capture_logs

from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.index import by_label
from registry_operator.runtime.store import Applied, Change, Failure, Removed, Store
from tests.unit.runtime.secrets_stage import SECRETS, a_secret, key

NOT_SERVED = Failure("NotFound", "the server could not find the requested resource")


def a_store() -> Store:
    return Store(SECRETS, indexes={"team": by_label("team")})


def heard_by(store: Store) -> list[Change]:
    heard: list[Change] = []
    store.subscribe(heard.append)
    return heard


def _fail(change: Change) -> None:
    raise ValueError(f"I never wanted {change}")


def test_a_complete_list_is_told_as_initial_and_makes_the_store_synced() -> None:
    store = a_store()
    heard = heard_by(store)
    a, b = a_secret("a", 1), a_secret("b", 2)
    assert not store.stats().synced

    store.writer().replace([a, b], "5")

    assert store.synced
    assert heard == [Applied(None, a, initial=True), Applied(None, b, initial=True)]
    assert store.get(key("a")) is a


def test_an_empty_list_syncs_too() -> None:
    store = a_store()

    store.writer().replace([], "1")

    assert store.synced
    assert store.list() == []


def test_a_later_list_tells_deletions_first_then_the_rest_and_nothing_that_did_not_change() -> None:
    store = a_store()
    writer = store.writer()
    gone, kept, changed = a_secret("gone", 1), a_secret("kept", 2), a_secret("changed", 3)
    writer.replace([gone, kept, changed], "5")
    heard = heard_by(store)
    heard.clear()

    later, new = a_secret("changed", 6), a_secret("new", 7)
    writer.replace([new, later, a_secret("kept", 2)], "8")

    assert heard == [Removed(gone), Applied(None, new), Applied(changed, later)]


def test_handlers_of_a_list_see_the_whole_list_in_the_store() -> None:
    store = a_store()
    writer = store.writer()
    writer.replace([a_secret("old", 1)], "1")
    seen: list[list[ObjectKey]] = []
    store.subscribe(lambda _change: seen.append(sorted(store.keys())))
    seen.clear()

    writer.replace([a_secret("a", 2), a_secret("b", 3)], "4")

    assert seen == [[key("a"), key("b")]] * 3


def test_an_object_made_anew_during_a_gap_shows_as_a_change_of_uid() -> None:
    store = a_store()
    writer = store.writer()
    before, after = a_secret("a", 1, uid="first"), a_secret("a", 4, uid="second")
    writer.replace([before], "1")
    heard = heard_by(store)
    heard.clear()

    writer.replace([after], "5")

    assert heard == [Applied(before, after)]
    assert store.list()[0].uid == "second"


def test_events_change_the_store_before_handlers_run() -> None:
    store = a_store()
    writer = store.writer()
    writer.replace([], "1")
    seen: list[str] = []

    def look(_change: Change) -> None:
        obj = store.get(key("a"))
        seen.append(obj.resource_version if obj else "none")

    store.subscribe(look)
    writer.upsert(a_secret("a", 2))
    writer.upsert(a_secret("a", 3))
    writer.remove(a_secret("a", 4))

    assert seen == ["2", "3", "none"]


def test_a_deletion_tells_the_last_known_object_and_a_second_one_nothing() -> None:
    store = a_store()
    writer = store.writer()
    a = a_secret("a", 1)
    writer.replace([a], "1")
    heard = heard_by(store)
    heard.clear()

    writer.remove(a_secret("a", 2))
    writer.remove(a_secret("a", 2))

    assert heard == [Removed(a)]


def test_an_older_event_takes_nothing_back_and_is_counted() -> None:
    store = a_store()
    writer = store.writer()
    newest = a_secret("a", 9)
    writer.replace([newest], "9")

    writer.upsert(a_secret("a", 8))
    writer.remove(a_secret("a", 8))

    assert store.get(key("a")) is newest
    assert store.stats().stale_events == 2


def test_versions_are_compared_as_numbers_not_as_text() -> None:
    store = a_store()
    writer = store.writer()
    writer.replace([a_secret("a", 9)], "9")

    writer.upsert(a_secret("a", 10))

    assert store.list()[0].resource_version == "10"


def test_the_same_event_twice_is_told_once() -> None:
    store = a_store()
    writer = store.writer()
    writer.replace([], "1")
    heard = heard_by(store)

    writer.upsert(a_secret("a", 2))
    writer.upsert(a_secret("a", 2))

    assert len(heard) == 1


def test_objects_without_a_comparable_version_are_taken_as_they_come() -> None:
    store = a_store()
    writer = store.writer()
    writer.replace([a_secret("a", 0, labels={"v": "1"})], "1")
    heard = heard_by(store)
    heard.clear()

    writer.upsert(a_secret("a", 0, labels={"v": "2"}))

    assert len(heard) == 1
    assert store.list()[0].labels == {"v": "2"}


def test_the_version_follows_lists_events_deletions_and_bookmarks() -> None:
    store = a_store()
    writer = store.writer()
    writer.replace([], "3")
    assert store.stats().resource_version == "3"
    writer.upsert(a_secret("a", 5))
    assert store.stats().resource_version == "5"
    writer.remove(a_secret("a", 6))
    assert store.stats().resource_version == "6"
    writer.bookmark("8")

    assert store.has_passed("8")
    assert not store.has_passed("9")


def test_a_late_subscriber_is_told_what_is_there_as_initial() -> None:
    store = a_store()
    writer = store.writer()
    a = a_secret("a", 1)
    writer.replace([a], "1")
    writer.replace([a], "2")

    assert heard_by(store) == [Applied(None, a, initial=True)]


def test_only_the_first_list_is_initial() -> None:
    store = a_store()
    writer = store.writer()
    heard = heard_by(store)

    writer.replace([], "1")
    writer.replace([a_secret("a", 2)], "2")

    assert [change.initial for change in heard if isinstance(change, Applied)] == [False]


def test_after_unsubscribing_nothing_is_heard() -> None:
    store = a_store()
    heard: list[Change] = []
    unsubscribe = store.subscribe(heard.append)

    unsubscribe()
    store.writer().replace([a_secret("a", 1)], "1")

    assert heard == []


def test_a_resync_tells_every_object_unchanged() -> None:
    store = a_store()
    a = a_secret("a", 1)
    store.writer().replace([a], "1")
    heard = heard_by(store)
    heard.clear()

    store.resync()

    assert heard == [Applied(a, a, resync=True)]


def test_indexes_follow_lists_events_and_deletions() -> None:
    store = a_store()
    writer = store.writer()
    writer.replace([a_secret("a", 1, labels={"team": "blue"})], "1")
    writer.upsert(a_secret("b", 2, labels={"team": "blue"}))
    assert [obj.name for obj in store.by_index("team", "blue")] == ["a", "b"]

    writer.remove(a_secret("a", 3))
    writer.upsert(a_secret("b", 4, labels={"team": "red"}))

    assert store.by_index("team", "blue") == []
    assert [obj.name for obj in store.by_index("team", "red")] == ["b"]


def test_an_index_that_was_not_declared_is_an_error() -> None:
    with pytest.raises(KeyError):
        a_store().by_index("colour", "blue")


def test_a_list_can_be_of_one_namespace() -> None:
    store = a_store()
    store.writer().replace([a_secret("a", 1), a_secret("b", 1, namespace="m")], "1")

    assert [obj.name for obj in store.list("m")] == ["b"]
    assert len(store.list()) == 2


def test_bytes_are_those_of_the_objects_that_are_there() -> None:
    store = a_store()
    writer = store.writer()
    big = a_secret("a", 1, annotations={"text": "x" * 1000})
    writer.replace([big, a_secret("b", 1)], "1")

    small = a_secret("a", 2)
    writer.upsert(small)
    writer.remove(a_secret("b", 3))

    assert store.stats().bytes == small.size
    assert store.stats().objects == 1


def test_the_writing_half_is_handed_out_once() -> None:
    store = a_store()
    store.writer()

    with pytest.raises(RuntimeError, match="secrets has its writer already"):
        store.writer()


def test_a_kind_that_is_not_served_empties_the_store_and_says_so_once() -> None:
    store = a_store()
    writer = store.writer()
    a = a_secret("a", 1)
    writer.replace([a], "1")
    heard = heard_by(store)
    heard.clear()
    flips: list[bool] = []
    store.on_availability(flips.append)

    writer.unavailable(NOT_SERVED)
    writer.unavailable(NOT_SERVED)

    assert flips == [False]
    assert heard == [Removed(a)]
    assert not store.available
    assert not store.synced
    assert store.stats().error == NOT_SERVED


def test_a_kind_that_is_served_again_heals_and_is_not_initial_again() -> None:
    store = a_store()
    writer = store.writer()
    flips: list[bool] = []
    leave = store.on_availability(flips.append)
    writer.replace([a_secret("a", 7)], "9")
    writer.unavailable(NOT_SERVED)
    heard = heard_by(store)

    again = a_secret("a", 3, uid="again")
    writer.replace([again], "4")
    leave()
    writer.unavailable(NOT_SERVED)

    assert flips == [False, True]
    assert heard[0] == Applied(None, again)
    assert store.stats().error == NOT_SERVED


def test_a_failure_is_readable_until_progress_comes() -> None:
    store = a_store()
    writer = store.writer()
    forbidden = Failure("Forbidden", "secrets")
    writer.failed(forbidden)
    assert store.stats().error == forbidden

    writer.bookmark("3")

    assert store.stats().error is None


def test_a_raising_handler_keeps_the_store_right_and_is_counted() -> None:
    failures: list[None] = []
    store = Store(SECRETS, on_handler_failure=lambda: failures.append(None))
    store.subscribe(_fail)
    heard = heard_by(store)

    with capture_logs() as logs:
        store.writer().replace([a_secret("a", 1), a_secret("b", 1)], "1")

    assert len(heard) == len(store.list()) == 2
    assert store.stats().handler_failures == len(failures) == len(logs) == 2


def test_who_follows_is_told_what_is_there_in_turns_and_what_changes_meanwhile_once() -> None:
    store = a_store()
    writer = store.writer()
    writer.replace([a_secret(f"s{number:03}", 1) for number in range(120)], "5")
    heard: list[Change] = []

    telling = store.follow(heard.append)
    next(telling)
    assert 0 < len(heard) < 120
    writer.upsert(a_secret("s119", 6))
    writer.remove(a_secret("s118", 7))
    assert len(list(telling)) >= 1

    told = [change.new.name for change in heard if isinstance(change, Applied)]
    assert sorted(told) == sorted(set(told))
    assert len(told) == 119
    assert [change.old.name for change in heard if isinstance(change, Removed)] == ["s118"]
    writer.upsert(a_secret("s000", 8))
    assert isinstance(heard[-1], Applied)
