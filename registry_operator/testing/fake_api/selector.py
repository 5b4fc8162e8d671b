"""Label and field selectors, decided purely.

In flow the text of a selector and an object's body; out flows whether it is selected. The grammar
is that of apimachinery (pkg/labels, pkg/fields) without the numeric operators.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from registry_operator.kube.errors import BadRequest

Body = Mapping[str, Any]

_COMMA: Final = re.compile(r",(?![^(]*\))")
_SET: Final = re.compile(r"^(\S+)\s+(in|notin)\s+\((.*)\)$")
_EQUALITY: Final = re.compile(r"^([^!=\s]+)\s*(==|=|!=)\s*(\S*)$")
_EXISTS: Final = re.compile(r"^(!?)\s*([^!=\s]+)$")


def _values(text: str) -> set[str]:
    return {value.strip() for value in text.split(",")}


def _label_term(term: str) -> Callable[[Mapping[str, str]], bool]:
    if found := _SET.match(term):
        key, word, values = found[1], found[2], _values(found[3])
        # As in apimachinery, an object without the label satisfies `notin` and `!=`.
        return lambda labels: (labels.get(key) in values) == (word == "in")
    if found := _EQUALITY.match(term):
        key, sign, value = found[1], found[2], found[3]
        return lambda labels: (labels.get(key) == value) == (sign != "!=")
    if found := _EXISTS.match(term):
        negated, key = found[1], found[2]
        return lambda labels: (key in labels) != bool(negated)
    raise BadRequest(400, reason="BadRequest", message=f"unable to parse requirement: {term!r}")


def _field_term(term: str) -> Callable[[Body], bool]:
    found = _EQUALITY.match(term)
    if found is None:
        raise BadRequest(400, reason="BadRequest", message=f"invalid field selector: {term!r}")
    path, sign, value = found[1].split("."), found[2], found[3]

    def matches(body: Body) -> bool:
        at: Any = body
        for name in path:
            at = at.get(name, "") if isinstance(at, Mapping) else ""
        return (str(at) == value) == (sign != "!=")

    return matches


def _name_of(term: str) -> str:
    found = _EQUALITY.match(term)
    return found[1] if found else term


class Selector:
    """Both selectors of one request; equal when their texts are. `fields` are those named.

    Raises BadRequest for text outside of the grammar.
    """

    def __init__(self, labels: str = "", fields: str = "") -> None:
        self._text = (labels, fields)
        self._labels = [_label_term(term.strip()) for term in _COMMA.split(labels) if term.strip()]
        terms = [term.strip() for term in fields.split(",") if term.strip()]
        self._fields = [_field_term(term) for term in terms]
        self.fields = frozenset(_name_of(term) for term in terms)

    def matches(self, body: Body) -> bool:
        """Whether the object is selected."""
        labels = body["metadata"].get("labels") or {}
        return all(term(labels) for term in self._labels) and all(
            term(body) for term in self._fields
        )

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Selector) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        """Whether it selects at all."""
        return bool(self._labels or self._fields)
