"""One kind as the server treats it.

In flow a schema and the peculiarities of the kind; nothing flows out: the writing verbs ask it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from registry_operator.kube.errors import Cause
from registry_operator.kube.resource import Resource
from registry_operator.testing.fake_api.apply import Endpoint
from registry_operator.testing.fake_api.schema.completion import completed
from registry_operator.testing.fake_api.schema.fields import Fields
from registry_operator.testing.fake_api.schema.model import Body, Schema
from registry_operator.testing.fake_api.schema.validation import violations

Rule = Callable[[Body, Body | None], Iterable[Cause]]

# What moves the generation: nothing, what is desired, or that and the annotations.
Generation = Literal["none", "desired", "annotated"]

# What every kind can be selected by.
NAMED: Final = frozenset({"metadata.name", "metadata.namespace"})
_STATUS: Final[Fields] = {"f:status": {}}


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Where the numbers of a Scale stand; `selector` is a text there, or a LabelSelector."""

    replicas: tuple[str, ...]
    current: tuple[str, ...]
    selector: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """What the server knows of a kind; `is_typed` of those it knows without a definition of ours.

    `needs_version`: a PUT must say which version it replaces. `rules` say what is wrong with a new
    state, given the old one. `selectable` are the fields that a field selector may name, None if
    any.
    """

    resource: Resource
    schema: Schema
    is_typed: bool = False
    has_status: bool = True
    scale: ScalePaths | None = None
    generation: Generation = "desired"
    needs_version: bool = False
    rules: tuple[Rule, ...] = ()
    selectable: frozenset[str] | None = NAMED

    def serves(self, subresource: str) -> bool:
        """Whether there is such a subresource; the empty one is the object itself."""
        return (
            subresource == ""
            or (subresource == "status" and self.has_status)
            or (subresource == "scale" and self.scale is not None)
        )

    def endpoint(self, subresource: str) -> Endpoint:
        """Return what a write to the object or to a subresource is about."""
        if subresource == "status":
            ignored: Fields = {"f:spec": {}, "f:metadata": {"f:labels": {}}}
            if not self.is_typed:
                ignored = {f"f:{name}": {} for name in self.schema.fields if name != "status"}
            return Endpoint(self.schema, ignored)
        return Endpoint(self.schema, _STATUS if self.has_status else {})

    def completed(self, body: Body) -> Body:
        """Prune and default a body."""
        result: Body = completed(self.schema, body)
        return result

    def empty(self) -> Body:
        """Return what there is before anything is created."""
        if not self.is_typed:
            return {}
        return _skeleton(self.schema)

    def wrong(self, new: Body, old: Body | None) -> list[Cause]:
        """Return what is wrong with a new state."""
        causes = [] if self.is_typed else violations(self.schema, new, old=old)
        return [*causes, *(cause for rule in self.rules for cause in rule(new, old))]

    def generation_after(self, old: Body | None, new: Body) -> int | None:
        """Return the generation of a new state, None for kinds that have none."""
        if self.generation == "none":
            return None
        if old is None:
            return 1
        before: int = old["metadata"].get("generation", 1)
        is_desired_anew = self._desired(old) != self._desired(new)
        if self.generation == "annotated":
            annotations = [body["metadata"].get("annotations") or {} for body in (old, new)]
            is_desired_anew = is_desired_anew or annotations[0] != annotations[1]
        return before + 1 if is_desired_anew else before

    def _desired(self, body: Body) -> dict[str, Any]:
        others = {"metadata", "status"} if self.has_status else {"metadata"}
        return {name: value for name, value in body.items() if name not in others}


def _skeleton(schema: Schema) -> Body:
    """Return what a Go type writes when nothing is set: its structs, and nothing in them."""
    return {
        name: _skeleton(known)
        for name, known in schema.fields.items()
        if known.has_default and known.default == {}
    }
