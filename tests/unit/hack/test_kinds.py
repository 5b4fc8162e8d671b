"""From the OpenAPI of a server to the definitions that the API server in memory keeps."""

from typing import Any

import orjson

from hack.kinds import KINDS, published, text


def document(path: str, **schemas: Any) -> dict[str, Any]:
    return {path: {"components": {"schemas": schemas}}}


def a_kind(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    named = [{"group": "", "version": "v1", "kind": kind}]
    return {
        "description": "prose",
        "type": "object",
        "properties": properties,
        "x-kubernetes-group-version-kind": named,
    }


def definitions() -> dict[str, Any]:
    spec = {"$ref": "#/components/schemas/Spec"}
    core = document(
        "api/v1",
        Pod=a_kind("Pod", {"spec": {"default": {}, "allOf": [spec], "description": "prose"}}),
        Spec={
            "type": "object",
            "properties": {"description": {"type": "string", "description": "prose"}},
            "x-kubernetes-patch-strategy": "merge",
        },
        Unrelated=a_kind("Unrelated", {}),
    )
    others: dict[str, Any] = {path: {"components": {"schemas": {}}} for path in KINDS}
    return published(others | core)


def test_only_the_kinds_and_what_they_refer_to_are_kept() -> None:
    assert list(definitions()) == ["Pod", "Spec"]


def test_prose_goes_but_not_a_field_of_that_name() -> None:
    found = definitions()

    assert found["Pod"]["properties"] == {"spec": {"default": {}, "allOf": [{"$ref": "Spec"}]}}
    assert found["Spec"] == {"type": "object", "properties": {"description": {"type": "string"}}}


def test_the_file_holds_one_definition_a_line() -> None:
    written = text(definitions())

    assert orjson.loads(written) == definitions()
    assert len(written.splitlines()) == 2 + len(definitions())
