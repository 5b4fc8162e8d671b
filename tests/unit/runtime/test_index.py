from collections.abc import Iterable

from structlog.testing import capture_logs

from registry_operator.kube.object import Object
from registry_operator.runtime.index import Index, by_label, by_owner_uid
from tests.unit.runtime.secrets_stage import a_secret, key


def _owner(uid: str, **more: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "name": uid, "uid": uid, **more}


def _all_labels(obj: Object) -> Iterable[str]:
    return obj.labels.values()


def test_an_object_is_found_by_the_uid_of_its_controller() -> None:
    index = Index("owner", by_owner_uid)
    index.put(a_secret("a", 1, ownerReferences=[_owner("x"), _owner("y", controller=True)]), None)
    index.put(a_secret("orphan", 1), None)

    assert index.keys("y") == [key("a")]
    assert index.keys("x") == []


def test_an_object_is_found_by_a_label_and_one_without_it_by_nothing() -> None:
    index = Index("team", by_label("team"))
    index.put(a_secret("a", 1, labels={"team": "blue"}), None)
    index.put(a_secret("b", 1, labels={"other": "blue"}), None)

    assert index.keys("blue") == [key("a")]


def test_keys_come_sorted_whatever_the_order_of_arrival() -> None:
    index = Index("team", by_label("team"))
    for name in ("c", "a", "b"):
        index.put(a_secret(name, 1, labels={"team": "blue"}), None)

    assert index.keys("blue") == [key("a"), key("b"), key("c")]


def test_an_object_has_all_of_its_values_once_each() -> None:
    index = Index("labels", _all_labels)
    index.put(a_secret("a", 1, labels={"one": "x", "two": "y", "three": "x"}), None)

    assert index.keys("x") == index.keys("y") == [key("a")]


def test_a_change_removes_the_stale_value() -> None:
    index = Index("team", by_label("team"))
    before, after = (
        a_secret("a", 1, labels={"team": "blue"}),
        a_secret("a", 2, labels={"team": "red"}),
    )
    index.put(before, None)
    index.put(a_secret("b", 1, labels={"team": "blue"}), None)
    index.put(after, before)

    assert index.keys("blue") == [key("b")]
    assert index.keys("red") == [key("a")]


def test_a_value_that_nothing_has_any_more_takes_no_memory() -> None:
    index = Index("team", by_label("team"))
    objects = [a_secret(name, 1, labels={"team": "blue"}) for name in ("a", "b", "c")]
    for obj in objects:
        index.put(obj, None)

    index.discard(objects[0])
    assert index.keys("blue") == [key("b"), key("c")]
    index.discard(objects[1])
    assert index.keys("blue") == [key("c")]
    index.discard(objects[2])
    index.discard(objects[2])

    assert index.keys("blue") == []
    assert len(index) == 0


def test_an_index_function_that_raises_is_logged_and_the_object_has_no_value() -> None:
    def broken(obj: Object) -> Iterable[str]:
        return (obj.labels["missing"],)

    index = Index("broken", broken)
    with capture_logs() as logs:
        index.put(a_secret("a", 1), None)

    assert index.failures == 1
    assert len(index) == 0
    assert [(entry["index"], entry["object"]) for entry in logs] == [("broken", "n/a")]
