"""The vocabulary of our schemas: what a field may hold, said once.

Python annotations flow in from the models of this package; out flow pydantic's checks when an
object is read, and the keywords of the CRD when the schema is generated (crd.py). Rules that a
pattern cannot explain to a user are CEL rules with a message of their own (`Rule`), checked by the
API server alone: reading stays tolerant.

Constraints of structural schemas:
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/
custom-resource-definitions/#specifying-a-structural-schema.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

QUANTITY = r"^([0-9]+([.][0-9]*)?|[.][0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$"
"""Kubernetes quantities that make sense for us: never negative."""
LABEL_VALUE = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
OBJECT_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"


class Model(BaseModel):
    """Base of everything that is read from a manifest.

    Unknown fields are ignored, so that an older operator survives a newer CRD; validating with
    `extra="forbid"` finds them. Types are strict, as the API server's are. Python names outside,
    camelCase on the wire.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        extra="ignore",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
    )

    def wire(self) -> dict[str, Any]:
        """What the author wrote, camelCase, without defaults: to be copied into a child."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)


@dataclass(frozen=True, slots=True)
class Rule:
    """A CEL rule and the sentence a user reads when it is broken: name the field, then the cure."""

    rule: str
    message: str
    field_path: str | None = None

    def as_schema(self) -> dict[str, str]:
        """The rule as an item of `x-kubernetes-validations`."""
        schema = {"rule": self.rule, "message": self.message}
        if self.field_path is not None:
            schema["fieldPath"] = self.field_path

        return schema


def rules(*given: Rule) -> dict[str, Any]:
    """`json_schema_extra` of a field or model that carries CEL rules."""
    return {"x-kubernetes-validations": [rule.as_schema() for rule in given]}


def listed_by(*keys: str) -> dict[str, Any]:
    """`json_schema_extra` of a list merged item by item, each identified by `keys`."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


ATOMIC_MAP: dict[str, Any] = {"x-kubernetes-map-type": "atomic"}
"""`json_schema_extra` of an object that appliers replace as a whole."""
ATOMIC_LIST: dict[str, Any] = {"x-kubernetes-list-type": "atomic"}

Int32 = Annotated[int, Field(json_schema_extra={"format": "int32"})]
Int64 = Annotated[int, Field(json_schema_extra={"format": "int64"})]
Port = Annotated[int, Field(ge=1, le=65535, json_schema_extra={"format": "int32"})]
Name = Annotated[str, Field(min_length=1, max_length=253, pattern=OBJECT_NAME)]
LabelValue = Annotated[str, Field(max_length=63, pattern=LABEL_VALUE)]
Timestamp = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Quantity = Annotated[int, Field(ge=0)] | Annotated[str, Field(max_length=64, pattern=QUANTITY)]
"""Written so, not as one Annotated union: a pattern on a union is dropped from the schema and
raises TypeError."""
Labels = Annotated[dict[str, LabelValue], Field(max_length=64)]
Annotations = Annotated[dict[str, Annotated[str, Field(max_length=65536)]], Field(max_length=64)]
