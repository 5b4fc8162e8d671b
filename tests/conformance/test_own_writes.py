"""What we wrote is seen at once, and the watch has the last word.

After client-go's tools/cache/mutation_cache_test.go.
"""

from registry_operator.runtime.store import Change, Store, Writer
from tests.conformance.following import in_short
from tests.conformance.origin import origin
from tests.unit.runtime.secrets_stage import SECRETS, a_secret


def a_store() -> tuple[Store, Writer, list[Change]]:
    """A store as of version 10 that holds `a` of version 1, and what is heard from now on."""
    store = Store(SECRETS)
    writer = store.writer()
    writer.replace([a_secret("a", 1, uid="first")], "10")
    heard: list[Change] = []
    store.subscribe(heard.append)
    heard.clear()
    return store, writer, heard


def held(store: Store) -> list[tuple[str, str]]:
    """uid and resourceVersion of everything in the store."""
    return [(obj.uid, obj.resource_version) for obj in store.list()]


@origin(126, "mutation_cache_test :: TestMutationCacheOnAddOrUpdate", "S5, S6")
def test_an_own_write_is_shown_until_an_event_as_late_or_later_comes() -> None:
    store, writer, heard = a_store()

    store.wrote(a_secret("a", 14, uid="first"))
    assert held(store) == [("first", "14")]
    writer.upsert(a_secret("a", 12, uid="first"))
    assert held(store) == [("first", "14")]
    writer.upsert(a_secret("a", 14, uid="first"))
    assert (held(store), store.stats().pending) == ([("first", "14")], 0)
    store.wrote(a_secret("a", 16, uid="first"))
    writer.upsert(a_secret("a", 18, uid="first"))

    assert (held(store), store.stats().pending) == ([("first", "18")], 0)
    assert [in_short(change) for change in heard] == ["~a", "~a", "~a"]


@origin(126, "mutation_cache_test :: TestMutationCacheOnDelete", "S5, S6")
def test_a_deletion_that_the_watch_tells_ends_what_we_wrote() -> None:
    store, writer, heard = a_store()
    store.wrote(a_secret("a", 12, uid="first"))

    writer.remove(a_secret("a", 13, uid="first"))

    assert (held(store), store.stats().pending) == ([], 0)
    assert [in_short(change) for change in heard] == ["~a", "-a"]


@origin(126, "mutation_cache_test :: TestMutationCacheUpdateConcurrentDelete", "S5, S6")
def test_the_late_answer_to_a_write_does_not_bring_back_what_was_deleted_since() -> None:
    store, writer, heard = a_store()
    writer.remove(a_secret("a", 13, uid="first"))

    store.wrote(a_secret("a", 12, uid="first"))

    assert (held(store), store.stats().pending) == ([], 0)
    assert [in_short(change) for change in heard] == ["-a", "-a"], "who wrote must look again"


@origin(126, "mutation_cache_test :: TestMutationCacheUpdateConcurrentRecreate", "S5, S6")
def test_the_late_answer_to_a_write_does_not_hide_the_object_made_anew_since() -> None:
    store, writer, _ = a_store()
    writer.remove(a_secret("a", 13, uid="first"))
    writer.upsert(a_secret("a", 14, uid="second"))

    store.wrote(a_secret("a", 12, uid="first"))

    assert (held(store), store.stats().pending) == ([("second", "14")], 0)
