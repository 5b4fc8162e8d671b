"""A simulated server's objects: what lists, watches and applies say of them."""

import orjson
import pytest

from controllers.kinds import DEPLOYMENT, REGISTRY, SECRET
from hack.bench.library import Library, merged
from registry_operator.kube.resource import ObjectKey
from registry_operator.kube.watch import Added, Deleted, EventDecoder, Modified, WatchEvent

_KEY = ObjectKey("team-a", "images")


@pytest.fixture
def library() -> Library:
    library = Library((REGISTRY, DEPLOYMENT, SECRET))
    library.put(SECRET, a_body("Secret", "v1", data={"a": "YQ=="}))
    return library


def a_body(kind: str, version: str, **fields: object) -> dict[str, object]:
    metadata = {"namespace": _KEY.namespace, "name": _KEY.name, "uid": "u", "generation": 1}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def events(library: Library, *, since: int, metadata_only: bool = False) -> list[WatchEvent]:
    lines: list[bytes] = []
    library.shelves[SECRET].subscribe(lines.append, since=since, metadata_only=metadata_only)
    decoder = EventDecoder()
    return [event for line in lines for event in decoder.feed(line)]


def test_an_object_is_read_whole_and_listed_without_its_kind(library: Library) -> None:
    shelf = library.shelves[SECRET]

    assert orjson.loads(shelf.whole(_KEY))["kind"] == "Secret"
    assert orjson.loads(shelf.whole(_KEY))["metadata"]["resourceVersion"] == "2"
    (item,) = shelf.items(metadata_only=False)
    assert orjson.loads(item).keys() == {"metadata", "data"}


def test_custom_resources_are_listed_with_their_kind(library: Library) -> None:
    library.put(REGISTRY, a_body("Registry", REGISTRY.api_version))
    (item,) = library.shelves[REGISTRY].items(metadata_only=False)

    assert orjson.loads(item)["kind"] == "Registry"


def test_metadata_alone_is_told_without_content(library: Library) -> None:
    (item,) = library.shelves[SECRET].items(metadata_only=True)

    assert orjson.loads(item).keys() == {"kind", "apiVersion", "metadata"}
    assert b"YQ==" not in item


def test_a_watch_tells_what_came_after_its_version_and_what_comes(library: Library) -> None:
    seen = events(library, since=1)
    assert [type(event) for event in seen] == [Added]
    assert events(library, since=2) == []

    library.apply(SECRET, _KEY, {"metadata": {}, "data": {"a": "Yg=="}})
    library.remove(SECRET, _KEY)

    assert [type(event) for event in events(library, since=2)] == [Modified, Deleted]
    assert _KEY not in library.shelves[SECRET]


def test_an_apply_that_changes_nothing_is_no_event(library: Library) -> None:
    library.apply(SECRET, _KEY, {"metadata": {}, "data": {"a": "YQ=="}})

    assert library.revision == 2
    assert events(library, since=2) == []


def test_an_apply_makes_what_is_not_there_with_a_uid_of_its_own(library: Library) -> None:
    body = a_body("Deployment", "apps/v1", spec={"replicas": 1})
    made = orjson.loads(library.apply(DEPLOYMENT, _KEY, body))

    assert made["metadata"]["uid"].startswith("11111111-")
    assert made["metadata"]["generation"] == 1


@pytest.mark.parametrize(
    ("version", "may"), [(None, True), ("2", True), ("1", False)], ids=["any", "this", "another"]
)
def test_a_write_may_ask_for_a_version_of_what_is_there(
    library: Library, version: str | None, *, may: bool
) -> None:
    assert library.shelves[SECRET].is_at(_KEY, version) is may
    assert library.shelves[SECRET].is_at(ObjectKey("team-a", "other"), version)


def test_a_changed_spec_is_a_generation_and_a_changed_status_is_none(library: Library) -> None:
    library.put(DEPLOYMENT, a_body("Deployment", "apps/v1", spec={"replicas": 1}))
    library.apply(DEPLOYMENT, _KEY, {"metadata": {}, "status": {"replicas": 1}})
    assert library.shelves[DEPLOYMENT].body(_KEY)["metadata"]["generation"] == 1

    library.apply(DEPLOYMENT, _KEY, {"metadata": {}, "spec": {"replicas": 2}})
    assert library.shelves[DEPLOYMENT].body(_KEY)["metadata"]["generation"] == 2


def test_a_repetition_tells_the_same_object_under_another_version(library: Library) -> None:
    lines: list[bytes] = []
    library.shelves[SECRET].subscribe(lines.append, since=2, metadata_only=False)
    tell = library.shelves[SECRET].repeat(_KEY)
    tell(77)

    told = orjson.loads(lines[0])["object"]
    stored = library.shelves[SECRET].body(_KEY)
    assert told["metadata"].pop("resourceVersion") == "77"
    assert stored["metadata"].pop("resourceVersion") == "2"
    assert told == stored


def test_merging_is_by_key_and_null_takes_away() -> None:
    old = {"a": {"b": 1, "c": 2}, "list": [1, 2], "gone": 1}

    assert merged(old, {"a": {"c": 3}, "list": [9], "gone": None}) == {
        "a": {"b": 1, "c": 3},
        "list": [9],
    }
