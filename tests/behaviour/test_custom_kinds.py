"""Kinds that users define: what their schema fills in, cuts off and refuses."""

from typing import Any

import pytest

from registry_operator.kube.errors import Invalid
from tests.behaviour.bodies import GADGETS, WIDGETS, a_widget
from tests.behaviour.server import Body, Server


async def spec_of(server: Server, **spec: Any) -> Body:
    created = await server.client.create(WIDGETS, a_widget(server, **spec))
    body: Body = created.body()["spec"]
    return body


async def test_defaults_are_filled_in_at_every_depth(server: Server) -> None:
    spec = await spec_of(server, nested={"deep": {}}, parts=[{"name": "a"}])

    assert spec == {
        "size": 1,
        "colour": "red",
        "nested": {"depth": 3, "deep": {"x": "y"}},
        "parts": [{"name": "a", "weight": 1}],
    }


async def test_unknown_fields_are_cut_off_but_where_anything_goes(server: Server) -> None:
    spec = await spec_of(
        server, unknown=1, nested={"unknown": 1}, free={"any": {"thing": 1}}, words={"w": "x"}
    )

    assert spec == {
        "size": 1,
        "colour": "red",
        "nested": {"depth": 3},
        "free": {"any": {"thing": 1}},
        "words": {"w": "x"},
    }


async def test_null_is_absence_unless_it_may_be_a_value(server: Server) -> None:
    spec = await spec_of(server, maybe=None, colour=None, word=None)

    assert spec == {"size": 1, "colour": "red", "nested": {"depth": 3}, "maybe": None}


@pytest.mark.parametrize("port", [80, "http"])
async def test_a_port_is_a_number_or_a_name(server: Server, port: int | str) -> None:
    assert (await spec_of(server, port=port))["port"] == port


@pytest.mark.parametrize("either", ["text", "", {"key": "a"}, {"key": "a", "other": 1}])
async def test_a_field_without_a_type_takes_a_text_or_an_object_and_keeps_all_of_it(
    server: Server, either: str | Body
) -> None:
    assert (await spec_of(server, either=either))["either"] == either


@pytest.mark.parametrize(
    ("spec", "reason", "field", "told"),
    [
        ({"size": None}, "FieldValueRequired", "spec.size", "Required value"),
        ({"size": "x"}, "FieldValueTypeInvalid", "spec.size", "must be of type integer"),
        ({"size": 0}, "FieldValueInvalid", "spec.size", "greater than or equal to 1"),
        ({"size": 11}, "FieldValueInvalid", "spec.size", "less than or equal to 10"),
        ({"colour": "blue"}, "FieldValueNotSupported", "spec.colour", '"red", "green"'),
        ({"word": "a"}, "FieldValueInvalid", "spec.word", "at least 2 chars long"),
        ({"word": "abcdef"}, "FieldValueTooLong", "spec.word", "more than 5 bytes"),
        ({"word": "a1"}, "FieldValueInvalid", "spec.word", "should match '^[a-z]+$'"),
        ({"tags": ["a", "a"]}, "FieldValueDuplicate", "spec.tags[1]", 'Duplicate value: "a"'),
        (
            {"parts": [{"name": "a"}, {"name": "a"}]},
            "FieldValueDuplicate",
            "spec.parts[1]",
            'Duplicate value: {"name":"a"}',
        ),
        ({"parts": [{}]}, "FieldValueRequired", "spec.parts[0].name", "Required value"),
        ({"list": ["a"] * 4}, "FieldValueTooMany", "spec.list", "must have at most 3 items"),
        ({"port": True}, "FieldValueTypeInvalid", "spec.port", "of type integer,string"),
        ({"words": {"a": 1}}, "FieldValueTypeInvalid", "spec.words.a", "of type string"),
        ({"either": "abcdef"}, "FieldValueTooLong", "spec.either", "more than 5 bytes"),
        ({"either": {"x": 1}}, "FieldValueRequired", "spec.either.key", "Required value"),
        ({"either": {"key": 1}}, "FieldValueTypeInvalid", "spec.either.key", "of type string"),
        ({"either": 5}, "FieldValueInvalid", "<nil>", '"spec.either" must not validate the schema'),
        (
            {"either": []},
            "FieldValueInvalid",
            "<nil>",
            '"spec.either" must not validate the schema',
        ),
        ({"nested": []}, "FieldValueTypeInvalid", "spec.nested", 'of type object: "array"'),
    ],
)
async def test_what_the_schema_forbids_is_refused_by_field(
    server: Server, spec: Body, reason: str, field: str, told: str
) -> None:
    with pytest.raises(Invalid) as raised:
        await server.client.create(WIDGETS, a_widget(server, **spec))

    (cause,) = raised.value.causes
    assert (cause.reason, cause.field) == (reason, field)
    assert told in cause.message
    assert raised.value.message == (
        f'Widget.{WIDGETS.group} "one" is invalid: {field}: {cause.message}'
    )
    assert raised.value.details["kind"] == "Widget"


async def test_everything_that_is_wrong_is_told_together(server: Server) -> None:
    with pytest.raises(Invalid) as raised:
        await server.client.create(WIDGETS, a_widget(server, size=0, colour="blue"))

    assert {cause.field for cause in raised.value.causes} == {"spec.size", "spec.colour"}
    assert "is invalid: [" in raised.value.message


async def test_a_missing_spec_is_told_as_such(server: Server) -> None:
    with pytest.raises(Invalid, match="spec: Required value"):
        await server.client.create(WIDGETS, {"metadata": server.metadata()})


async def test_a_change_that_breaks_the_schema_is_refused(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server))
    with pytest.raises(Invalid) as raised:
        await server.client.patch(WIDGETS, server.key(), {"spec": {"size": 0}}, kind="merge")

    assert [cause.field for cause in raised.value.causes] == ["spec.size"]


async def test_an_apply_is_held_to_the_schema_too(server: Server) -> None:
    with pytest.raises(Invalid):
        await server.client.apply(WIDGETS, a_widget(server, size=0), field_manager="us")


async def test_the_status_is_held_to_the_schema_too(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server))
    with pytest.raises(Invalid) as raised:
        await server.client.patch(
            WIDGETS, server.key(), {"status": {"phase": 7}}, kind="merge", subresource="status"
        )

    assert [cause.field for cause in raised.value.causes] == ["status.phase"]


async def test_without_the_subresource_the_status_is_a_field_like_others(server: Server) -> None:
    body = {"metadata": server.metadata(), "spec": {"a": 1}, "status": {"b": 1}}
    created = await server.client.create(GADGETS, body)
    patch = {"status": {"b": 2}}
    after = await server.client.patch(GADGETS, server.key(), patch, kind="merge")

    assert created.body()["status"] == {"b": 1}
    assert after.body()["status"] == {"b": 2}
    assert (created.generation, after.generation) == (1, 2)
