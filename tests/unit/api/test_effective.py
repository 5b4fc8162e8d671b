"""The merge of a Registry's spec over its template's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_operator.api.effective import effective, explain, leaves
from registry_operator.api.registry import RegistrySpec

STORAGES: list[dict[str, Any]] = [
    {"emptyDir": {}},
    {"emptyDir": {"medium": "Memory"}},
    {"s3": {"bucket": "a", "region": "b"}},
    {"s3": {"bucket": "c", "secretRef": {"name": "d"}}},
    {"s3": {"bucketName": {"name": "e", "key": "f"}, "region": {"name": "e", "key": "g"}}},
    {"bucketClassName": "a", "bucketAccessClass": "b"},
]
_scalars = st.integers(0, 3) | st.sampled_from(["a", "b"])
_configs = st.recursive(
    _scalars | st.lists(_scalars, max_size=2),
    lambda inner: st.dictionaries(st.sampled_from(["log", "http", "auth"]), inner, max_size=3),
    max_leaves=6,
)
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.integers(0, 5),
        "image": st.sampled_from(["registry:2", "registry:3"]),
        "storage": st.sampled_from(STORAGES),
        "service": st.fixed_dictionaries({}, optional={"port": st.integers(1, 9)}),
        "nodeSelector": st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy")),
        "tolerations": st.lists(st.just({"operator": "Exists"}), max_size=2),
        "config": st.dictionaries(st.sampled_from(["log", "auth", "http"]), _configs, max_size=3),
    },
)


@given(SPECS)
def test_a_template_alone_and_a_registry_alone_give_the_same_spec(spec: dict[str, Any]) -> None:
    assert explain({}, spec).spec == explain(spec).spec


@given(SPECS, SPECS)
def test_what_was_merged_over_the_same_template_stays(
    own: dict[str, Any], template: dict[str, Any]
) -> None:
    once = explain(own, template).spec

    assert explain(once, template).spec == once


@given(SPECS, SPECS)
def test_what_the_registry_says_holds(own: dict[str, Any], template: dict[str, Any]) -> None:
    result = explain(own, template)

    for path, value in leaves(own):
        if value != {}:
            assert _at(result.spec, path) == value
            assert result.sources[path] == "registry"


@given(SPECS, SPECS)
def test_every_leaf_has_a_source_that_wrote_it(
    own: dict[str, Any], template: dict[str, Any]
) -> None:
    result = explain(own, template)
    wrote = {"registry": dict(leaves(own)), "template": dict(leaves(template))}

    assert set(result.sources) == {path for path, _ in leaves(result.spec)}
    for path, source in result.sources.items():
        if source == "default":
            assert path not in wrote["registry"]
            assert path not in wrote["template"]
        else:
            assert wrote[source][path] == _at(result.spec, path)


@given(SPECS, SPECS)
def test_valid_specs_without_a_conflict_merge_to_a_valid_one(
    own: dict[str, Any], template: dict[str, Any]
) -> None:
    result = explain(own, template)

    assert result.problems == ()
    RegistrySpec.model_validate(result.spec, extra="forbid")


@given(SPECS, st.sampled_from(["storage", "config", "nodeSelector", "tolerations"]))
def test_null_removes(template: dict[str, Any], field: str) -> None:
    assert field not in explain({field: None}, template).spec


@pytest.mark.parametrize("own", STORAGES)
@pytest.mark.parametrize("template", STORAGES)
def test_kinds_of_storage_never_mix(own: dict[str, Any], template: dict[str, Any]) -> None:
    merged = explain({"storage": own}, {"storage": template})

    assert merged.spec == explain({"storage": own}).spec
    assert "template" not in merged.sources.values()


def test_a_null_below_removes_that_field_alone_and_a_default_takes_its_place() -> None:
    result = explain({"service": {"port": None}}, {"service": {"port": 1, "labels": {"a": "b"}}})

    assert result.spec["service"] == {"type": "ClusterIP", "port": 5000, "labels": {"a": "b"}}
    assert result.sources["service", "port"] == "default"
    assert result.sources["service", "labels", "a"] == "template"


@pytest.mark.parametrize(
    ("own", "template", "text"),
    [
        ({}, {"replicas": "3"}, "spec.replicas (set by: template): "),
        ({"replicas": 101}, {"replicas": 3}, "spec.replicas (set by: registry): "),
        ({"size": 1}, {}, "spec.size (set by: registry): "),
        (
            {"service": {"type": "ClusterIP"}},
            {"service": {"type": "NodePort", "nodePort": 30000}},
            "spec.service.nodePort (set by: template): needs service.type NodePort",
        ),
    ],
)
def test_a_problem_names_the_field_and_whose_it_is(
    own: dict[str, Any], template: dict[str, Any], text: str
) -> None:
    (problem,) = explain(own, template).problems

    assert str(problem).startswith(text)


@pytest.mark.parametrize(
    ("s3", "fields"),
    [
        ({"bucket": "a", "region": {"name": "b"}}, ["s3.region", "s3.region.key"]),
        ({"bucket": "a", "region": {"name": "", "key": "c"}}, ["s3.region", "s3.region.name"]),
        ({"bucket": "a", "region": 5}, ["s3.region", "s3.region"]),
        ({"bucket": "a", "chunkSize": "much"}, ["s3.chunkSize", "s3.chunkSize"]),
        ({"bucketName": {"key": "a"}}, ["s3.bucketName.name"]),
        ({"region": "a"}, ["s3"]),
    ],
)
def test_a_problem_names_a_field_and_never_what_its_type_is_called(
    s3: dict[str, Any], fields: list[str]
) -> None:
    found = effective({"storage": {"s3": s3}}).problems

    assert [problem.field for problem in found] == [f"spec.storage.{field}" for field in fields]
    assert {problem.sources for problem in found} == {("registry",)}


def test_a_problem_in_a_list_names_the_item() -> None:
    (found,) = effective({"tolerations": [{"operator": "Exists"}, {"operator": "Is"}]}).problems

    assert found.field == "spec.tolerations.1.operator"


@given(SPECS, SPECS)
def test_what_the_operator_acts_on_is_what_is_explained(
    own: dict[str, Any], template: dict[str, Any]
) -> None:
    acted_on = effective(own, template)

    assert acted_on.problems == ()
    assert acted_on.spec == RegistrySpec.model_validate(explain(own, template).spec)


def test_the_operator_passes_over_fields_that_only_a_newer_version_knows() -> None:
    assert effective({"size": 1, "replicas": 2}).spec == RegistrySpec(replicas=2)
    assert explain({"size": 1}).problems != ()


def test_there_is_no_spec_to_act_on_while_there_are_problems() -> None:
    found = effective({"replicas": "3"})

    assert found.spec is None
    assert [problem.field for problem in found.problems] == ["spec.replicas"]


def _at(spec: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        spec = spec[key]

    return spec


def test_how_a_template_is_rolled_out_is_nothing_that_a_registry_has() -> None:
    template = {"image": "registry:2", "rollout": {"maxUnavailable": 1}}

    assert "rollout" not in explain({}, template).spec
    assert explain({}, template).problems == ()
    assert effective({}, template).spec == effective({}, {"image": "registry:2"}).spec
