"""Keys of Secrets and ConfigMaps that a Registry refers to, all in its own namespace.

Manifests flow in; out flow names and keys, which the operator looks up (controllers.registry).
"""

from typing import Annotated

from pydantic import ConfigDict, Field

from registry_operator.api.types import ATOMIC_MAP, Model, Name, Rule, rules

DataKey = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]

_ONE_SOURCE = Rule(
    rule="has(self.configMapRef) != has(self.secretRef)",
    message="caBundle names exactly one source: set configMapRef or secretRef, and not both",
)


class SecretKeySelector(Model):
    """A key of a Secret, as in core/v1."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    name: Name
    """Name of the Secret, in the namespace of the Registry."""
    key: DataKey
    """Key of its data that holds the value."""


class CertificatesReference(Model):
    """A key of a ConfigMap or a Secret that holds certificates."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    name: Name
    """Name of the object, in the namespace of the Registry."""
    key: DataKey = "ca.crt"
    """Key of its data that holds the certificates, as PEM."""


class CaBundle(Model):
    """Certificate authorities that the registry trusts besides those of its image."""

    model_config = ConfigDict(json_schema_extra=rules(_ONE_SOURCE))

    config_map_ref: CertificatesReference | None = None
    """A ConfigMap that holds them."""
    secret_ref: CertificatesReference | None = None
    """A Secret that holds them."""
