"""Own writes in the store: seen at once, in reads and indexes, until the watch has passed them."""

from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.index import by_label
from registry_operator.runtime.overlay import is_older, same_version, version_number
from registry_operator.runtime.store import Applied, Change, Removed, Store, Writer
from tests.unit.runtime.secrets_stage import SECRETS, a_secret, key

BLUE = {"team": "blue"}


def a_filled_store(*names: str) -> tuple[Store, Writer, list[Change]]:
    """A store as of version 10 with objects of version 1."""
    store = Store(SECRETS, indexes={"team": by_label("team")})
    writer = store.writer()
    writer.replace([a_secret(name, 1) for name in names], "10")
    heard: list[Change] = []
    store.subscribe(heard.append)
    heard.clear()
    return store, writer, heard


def version_of(store: Store, name: str) -> str | None:
    obj = store.get(ObjectKey("n", name))
    return obj.resource_version if obj else None


def test_an_own_write_is_read_indexed_and_told_at_once() -> None:
    store, _, heard = a_filled_store("a")
    before, written = store.get(key("a")), a_secret("a", 12, labels=BLUE)

    store.wrote(written)

    assert store.get(key("a")) == written
    assert store.by_index("team", "blue") == [written]
    assert heard == [Applied(before, written, own=True)]
    assert store.stats().pending == 1


def test_the_echo_of_an_own_write_is_silent_and_ends_the_overlay() -> None:
    store, writer, heard = a_filled_store()
    store.wrote(a_secret("a", 12, managedFields=[{"manager": "us"}]))
    heard.clear()

    writer.upsert(a_secret("a", 12))

    assert heard == []
    assert store.stats().pending == 0
    assert b"managedFields" not in store.list()[0].raw


def test_an_event_older_than_an_own_write_is_not_shown() -> None:
    store, writer, heard = a_filled_store("a")
    store.wrote(a_secret("a", 14))
    heard.clear()

    writer.upsert(a_secret("a", 12))

    assert version_of(store, "a") == "14"
    assert heard == []


def test_an_event_later_than_an_own_write_wins() -> None:
    store, writer, _ = a_filled_store("a")
    store.wrote(a_secret("a", 12))

    writer.upsert(a_secret("a", 13))

    assert version_of(store, "a") == "13"
    assert store.stats().pending == 0


def test_the_older_of_two_own_writes_is_ignored() -> None:
    store, _, heard = a_filled_store("a")
    store.wrote(a_secret("a", 14))
    heard.clear()

    store.wrote(a_secret("a", 12))

    assert version_of(store, "a") == "14"
    assert heard == []


def test_a_write_that_changed_nothing_leaves_no_trace() -> None:
    store, _, heard = a_filled_store("a")

    store.wrote(a_secret("a", 1))

    assert heard == []
    assert store.stats().pending == 0


def test_an_answer_that_comes_after_the_deletion_was_watched_revives_nothing() -> None:
    store, writer, _ = a_filled_store()
    writer.upsert(a_secret("a", 12))
    writer.remove(a_secret("a", 13))

    store.wrote(a_secret("a", 12))

    assert store.list() == []


def test_who_wrote_hears_what_came_after_it_though_a_list_looks_as_before_the_write() -> None:
    store, writer, heard = a_filled_store("a")
    robbed = a_secret("a", 13, labels={})
    writer.replace([robbed], "13")
    heard.clear()
    written = a_secret("a", 12, labels=BLUE)

    store.wrote(written)

    assert heard == [Applied(written, robbed)]
    assert store.get(key("a")) == robbed


def test_who_wrote_hears_that_it_is_gone_though_nobody_saw_it_come() -> None:
    store, writer, heard = a_filled_store()
    writer.replace([], "13")
    written = a_secret("a", 12)

    store.wrote(written)

    assert heard == [Removed(written)]
    assert store.list() == []


def test_nothing_is_told_of_an_answer_that_the_watch_told_before() -> None:
    store, writer, heard = a_filled_store("a")
    writer.upsert(a_secret("a", 12))
    heard.clear()

    store.wrote(a_secret("a", 12))

    assert heard == []


def test_a_list_as_of_before_an_own_write_does_not_take_it_back() -> None:
    store, writer, heard = a_filled_store("a")
    store.wrote(a_secret("a", 14))
    store.wrote(a_secret("b", 15))
    heard.clear()

    writer.replace([a_secret("a", 1)], "13")

    assert version_of(store, "a") == "14"
    assert version_of(store, "b") == "15"
    assert heard == []


def test_a_list_as_of_after_an_own_write_is_the_truth() -> None:
    store, writer, heard = a_filled_store("a")
    store.wrote(a_secret("b", 12))
    heard.clear()

    writer.replace([a_secret("a", 1)], "13")

    assert version_of(store, "b") is None
    assert [change.old.name for change in heard if isinstance(change, Removed)] == ["b"]


def test_a_write_outside_of_the_selection_goes_when_the_watch_has_passed_it() -> None:
    store, writer, heard = a_filled_store()
    store.wrote(a_secret("a", 12))

    writer.upsert(a_secret("b", 11))
    assert version_of(store, "a") == "12"
    writer.bookmark("12")

    assert version_of(store, "a") is None
    assert isinstance(heard[-1], Removed)


def test_a_deleted_object_is_hidden_at_once_and_told_once() -> None:
    store, writer, heard = a_filled_store("a")

    store.deleted(key("a"), "a")
    writer.upsert(a_secret("a", 11))
    assert store.list() == []
    writer.remove(a_secret("a", 12))

    assert [type(change) for change in heard] == [Removed]
    assert store.stats().pending == 0


def test_a_deletion_of_another_uid_hides_nothing() -> None:
    store, _, _ = a_filled_store("a")

    store.deleted(key("a"), "another")
    store.deleted(key("unheard of"), "another")

    assert version_of(store, "a") == "1"


def test_a_tombstone_does_not_hide_a_recreation_by_somebody_else() -> None:
    store, writer, _ = a_filled_store("a")
    store.deleted(key("a"), "a")

    writer.upsert(a_secret("a", 13, uid="again"))
    writer.remove(a_secret("a", 12))

    assert version_of(store, "a") == "13"


def test_a_tombstone_does_not_hide_our_own_recreation_nor_do_late_events_remove_it() -> None:
    store, writer, _ = a_filled_store("a")
    store.deleted(key("a"), "a")
    store.wrote(a_secret("a", 15, uid="again"))

    writer.upsert(a_secret("a", 11))
    writer.remove(a_secret("a", 12))
    assert version_of(store, "a") == "15"
    writer.upsert(a_secret("a", 15, uid="again"))

    assert version_of(store, "a") == "15"
    assert store.stats().pending == 0


def test_a_write_that_was_under_way_while_we_deleted_stays_hidden() -> None:
    store, _, _ = a_filled_store("a")
    store.deleted(key("a"), "a")

    store.wrote(a_secret("a", 12))

    assert store.list() == []


def test_an_object_with_a_finalizer_stays_visible() -> None:
    store, writer, _ = a_filled_store()
    writer.upsert(a_secret("a", 11, finalizers=["example.org/hold"]))

    store.deleted(key("a"), "a")

    assert version_of(store, "a") == "11"


def test_an_object_that_turns_out_to_wait_for_a_finalizer_is_shown_again() -> None:
    store, writer, _ = a_filled_store("a")
    store.deleted(key("a"), "a")

    writer.upsert(a_secret("a", 12, deletionTimestamp="2026-01-01T00:00:00Z"))

    obj = store.get(key("a"))
    assert obj is not None
    assert obj.is_deleting
    assert store.stats().pending == 0


def test_a_former_bearer_of_a_name_seen_late_does_not_end_the_tombstone_of_the_latter() -> None:
    store, writer, _ = a_filled_store("a")
    store.wrote(a_secret("a", 15, uid="second"))
    store.deleted(key("a"), "second")

    writer.upsert(a_secret("a", 11))
    assert store.list() == []
    writer.remove(a_secret("a", 12))
    writer.upsert(a_secret("a", 15, uid="second"))

    assert store.list() == []
    writer.remove(a_secret("a", 16, uid="second"))
    assert store.stats().pending == 0


def test_a_list_as_of_before_a_deletion_does_not_revive_and_a_later_one_ends_the_tombstone() -> (
    None
):
    store, writer, heard = a_filled_store("a")
    store.deleted(key("a"), "a")
    heard.clear()

    writer.replace([a_secret("a", 1)], "11")
    assert (store.list(), store.stats().pending) == ([], 1)
    writer.replace([], "13")

    assert (store.list(), store.stats().pending) == ([], 0)
    assert heard == []


def test_a_list_as_of_before_a_creation_keeps_the_tombstone_of_what_it_does_not_know() -> None:
    store, writer, _ = a_filled_store()
    store.wrote(a_secret("a", 15))
    store.deleted(key("a"), "a")

    writer.replace([], "12")
    writer.upsert(a_secret("a", 15))

    assert store.list() == []


def test_versions_that_cannot_be_compared_are_never_the_same_nor_older() -> None:
    unknown = a_secret("a", 0)

    assert version_number("") == version_number("0") == version_number("x1") == 0
    assert not same_version(unknown, unknown)
    assert not is_older(unknown, a_secret("a", 5))


def test_an_own_write_is_held_without_what_the_watch_leaves_out() -> None:
    store, _, _ = a_filled_store("a")
    body = a_secret("a", 12).body()
    body["metadata"]["managedFields"] = [{"manager": "somebody"}]

    store.wrote(Object.of(body))

    held = store.get(key("a"))
    assert held is not None
    assert "managedFields" not in held.body()["metadata"]
