"""Registries of the Go project of the API group are read as they are."""

import pytest

from registry_operator.api.crd import DEFINITIONS, crd
from registry_operator.api.effective import effective
from registry_operator.api.registry import Registry
from registry_operator.api.storage import Storage
from registry_operator.testing.fake_api.schema.completion import completed
from registry_operator.testing.fake_api.schema.model import structural
from registry_operator.testing.fake_api.schema.validation import violations
from tests.go_project import STORAGES, a_go_registry

_VERSION = crd(DEFINITIONS[0])["spec"]["versions"][0]
SCHEMA = structural(_VERSION["schema"]["openAPIV3Schema"])
_FIELDS = {str(field.alias) for field in Storage.model_fields.values()}

every_shape = pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            kind, marks=pytest.mark.skipif(kind not in _FIELDS, reason="not a kind of storage yet")
        )
        for kind in STORAGES
    ],
)


@every_shape
def test_every_field_has_a_meaning_and_none_is_lost(kind: str) -> None:
    body = a_go_registry(kind)
    read = Registry.model_validate(body, extra="forbid")

    assert read.spec.wire() == body["spec"]
    assert read.spec.storage is not None
    assert read.spec.storage.kind == kind
    assert effective(body["spec"]).problems == ()


@every_shape
def test_the_schema_takes_it_and_prunes_nothing(kind: str) -> None:
    body = a_go_registry(kind)

    assert violations(SCHEMA, body) == []
    assert completed(SCHEMA, body)["spec"] == body["spec"]


@pytest.mark.parametrize(
    ("selector", "told"),
    [
        ({"key": "region"}, "spec.storage.s3.region.name"),
        ({"name": "", "key": "region"}, "spec.storage.s3.region.name"),
        ({"name": "bucket"}, "spec.storage.s3.region.key"),
    ],
)
def test_a_selector_that_names_no_secret_is_told_by_field(
    selector: dict[str, str], told: str
) -> None:
    body = a_go_registry("s3")
    body["spec"]["storage"]["s3"]["region"] = selector

    assert told in [cause.field for cause in violations(SCHEMA, body)]
    assert told in [problem.field for problem in effective(body["spec"]).problems]


def test_what_has_no_field_here_is_told_to_whoever_asks_and_dropped_for_the_others() -> None:
    body = a_go_registry("emptyDir")
    body["spec"]["resources"]["claims"] = [{"name": "gpu"}]

    assert "claims" not in completed(SCHEMA, body)["spec"]["resources"]
    assert effective(body["spec"]).problems == ()
