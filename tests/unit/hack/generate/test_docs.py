"""Tables for docs/registry.md."""

from dataclasses import dataclass

import pytest

from hack.generate.docs import condition_table, field_table, reason_table, replace_table
from hack.generate.file import GenerateError

_PAGE = "before\n<!-- generated: one -->\nold\n<!-- end -->\nbetween\n<!-- generated: two -->\n<!-- end -->\nafter\n"


@dataclass
class _Reason:
    name: str
    meaning: str
    cure: str
    stalls: bool


def test_only_what_is_between_the_markers_of_a_table_changes() -> None:
    assert replace_table(_PAGE, name="one", table="new") == _PAGE.replace("old\n", "\nnew\n\n")


def test_replacing_again_changes_nothing() -> None:
    once = replace_table(_PAGE, name="two", table="| a |")

    assert replace_table(once, name="two", table="| a |") == once


def test_a_table_is_put_in_as_it_is() -> None:
    table = r"| \1 \g<2> |"

    assert table in replace_table(_PAGE, name="one", table=table)


def test_a_page_without_the_markers_is_an_error_that_names_them() -> None:
    with pytest.raises(GenerateError, match="generated: three"):
        replace_table(_PAGE, name="three", table="")


@pytest.mark.parametrize(
    "row",
    [
        "| `template` | string | Name of the RegistryTemplate that spec overrides. |",
        "| `spec.replicas` | integer, 0 to 100 | Number of registry pods. ",
        "| `spec.service.type` | `ClusterIP` or `NodePort` or `LoadBalancer` | ",
        "| `spec.paused` | boolean | ",
        "| `spec.storage.emptyDir.sizeLimit` | quantity | ",
        "| `spec.storage.s3.region` | string or object | ",
        "| `spec.storage.s3.region.key` | string | ",
        "| `spec.affinity` | as in core/v1 | ",
        "| `spec.nodeSelector` | map of strings | ",
        "| `spec.tolerations` | list | ",
        "| `status.endpoint` | string | ",
    ],
)
def test_a_field_has_a_row_with_type_and_meaning(row: str) -> None:
    assert any(line.startswith(row) for line in field_table().splitlines())


def test_a_default_is_told_with_the_meaning() -> None:
    assert any(
        line.endswith("Defaults to registry:3.1.2. |") for line in field_table().splitlines()
    )


def test_the_insides_of_kubernetes_own_shapes_are_left_out() -> None:
    assert "nodeAffinity" not in field_table()


def test_rows_of_a_table_have_as_many_cells_as_its_head() -> None:
    lines = field_table().splitlines()

    assert {line.replace("\\|", "").count("|") for line in lines} == {4}


def test_conditions_and_reasons_are_told_in_the_controllers_words() -> None:
    reasons = [
        _Reason("A", "is | this", "do that", stalls=True),
        _Reason("B", "x", "y", stalls=False),
    ]

    assert condition_table({"Ready": "It is."}).splitlines()[-1] == "| `Ready` | It is. |"
    assert reason_table(reasons).splitlines()[2:] == [
        r"| `A` | is \| this | do that | yes |",
        "| `B` | x | y |  |",
    ]
