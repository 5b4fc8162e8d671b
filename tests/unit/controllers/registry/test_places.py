"""Who is beside whom, whatever a template says of it."""

from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, REGISTRY, REGISTRY_TEMPLATE
from controllers.registry import sharing
from controllers.registry.places import Places
from controllers.registry.template import INDEX, by_template
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.change import Change, Removed
from registry_operator.runtime.store import Store
from registry_operator.testing.builders import (
    CLAIMED,
    COSI,
    EMPTY_DIR,
    NAMESPACE,
    S3,
    a_registry,
    a_template,
    an_object,
)
from tests.unit.controllers.registry.test_sharing import READS_ONLY, in_folder


class Town:
    """Stores filled by hand, the places over them, and who was told that something changed."""

    def __init__(self) -> None:
        self.registries = Store(REGISTRY, indexes={INDEX: by_template})
        self.templates = Store(REGISTRY_TEMPLATE)
        self._writers = self.registries.writer(), self.templates.writer()
        self.deployments = Store(DEPLOYMENT, indexes={sharing.INDEX: sharing.by_place})
        self.places = Places(self.registries, self.templates, self.deployments)
        self.told: list[str] = []
        self.places.follow(self._tell, recount=False)
        self._generation = 0

    def _tell(self, change: Change) -> None:
        assert not isinstance(change, Removed)
        self.told.append(change.new.name)

    def show(self, name: str, **fields: Any) -> None:
        self._generation += 1
        body = a_registry(name, metadata={"generation": self._generation}, **fields)
        self._writers[0].upsert(an_object(body))

    def remove(self, name: str) -> None:
        found = self.registries.get(ObjectKey(NAMESPACE, name))
        assert found is not None
        body = found.body()
        body["metadata"]["resourceVersion"] = "9999999"
        self._writers[0].remove(an_object(body))

    def template(self, **spec: Any) -> None:
        self._generation += 1
        body = a_template(**spec)
        body["metadata"] |= {"uid": "u", "generation": self._generation}
        self._writers[1].upsert(an_object(body))

    def beside(self, name: str) -> list[str]:
        registry = self.registries.get(ObjectKey(NAMESPACE, name))
        assert registry is not None
        return [other.name for other in self.places.writers_beside(registry)]

    def heard(self) -> list[str]:
        told, self.told = self.told, []
        return told


@pytest.fixture
def town() -> Town:
    return Town()


def test_who_has_no_bucket_is_beside_nobody(town: Town) -> None:
    town.show("a", storage=EMPTY_DIR)
    town.show("b", storage=EMPTY_DIR)

    assert town.beside("a") == []
    assert town.heard() == []


def test_those_of_one_folder_are_beside_each_other_and_hear_of_each_other(town: Town) -> None:
    town.show("a", storage=S3)
    town.show("b", storage=S3)
    town.show("c", storage=in_folder("c"))

    assert town.beside("a") == ["b"]
    assert town.beside("b") == ["a"]
    assert town.beside("c") == []
    assert town.heard() == ["a"]


def test_who_names_the_claim_of_another_is_beside_him(town: Town) -> None:
    town.show("images", storage=COSI)
    town.show("a", storage={**CLAIMED, "bucketClaimName": "images"})
    town.show("b", storage=CLAIMED)

    assert town.beside("images") == ["a"]
    assert town.beside("a") == ["images"]
    assert town.beside("b") == []
    assert town.heard() == ["images"]


def test_who_moves_is_told_to_those_he_leaves_and_those_he_comes_to(town: Town) -> None:
    town.show("a", storage=S3)
    town.show("b", storage=in_folder("b"))
    town.show("c", storage=S3)
    town.heard()
    town.show("c", storage=in_folder("b"))

    assert town.heard() == ["a", "b"]
    assert town.beside("a") == []
    assert town.beside("c") == ["b"]


def test_who_goes_is_told(town: Town) -> None:
    town.show("a", storage=S3)
    town.show("b", storage=S3)
    town.heard()
    town.remove("a")

    assert town.heard() == ["b"]
    assert town.beside("b") == []


def test_who_only_reads_is_beside_nobody_and_sees_who_writes(town: Town) -> None:
    town.show("a", storage=S3)
    town.show("b", storage=S3, config=READS_ONLY)

    assert town.beside("a") == []
    assert town.beside("b") == ["a"]


def test_what_a_template_says_counts_whoever_came_first(town: Town) -> None:
    town.show("a", template="base", storage=None)
    town.show("b", template="base", storage=None)
    town.show("c", storage=S3)
    assert town.beside("a") == []

    town.template(storage=S3)
    assert town.beside("a") == ["b", "c"]
    assert sorted(town.heard()) == ["a", "b", "c"]


def test_what_a_registry_says_itself_counts_more(town: Town) -> None:
    town.template(storage=S3)
    town.show("a", template="base", storage=None)
    town.show("b", template="base", storage=in_folder("b"))

    assert town.beside("a") == []


def test_a_template_that_lets_its_users_only_read_takes_them_away(town: Town) -> None:
    town.template(storage=S3)
    town.show("a", template="base", storage=None)
    town.show("b", storage=S3)
    town.heard()
    town.template(storage=S3, config=READS_ONLY)

    assert town.beside("b") == []
    assert town.heard() == ["a", "b"]


def test_nobody_is_told_of_a_status(town: Town) -> None:
    town.show("a", storage=S3)
    town.show("b", storage=S3)
    town.heard()
    town._generation -= 1
    town.show("b", storage=S3, status={"version": "3"})

    assert town.heard() == []


def test_there_is_nothing_to_recount(town: Town) -> None:
    with pytest.raises(ValueError, match="changes only"):
        town.places.follow(town._tell)
