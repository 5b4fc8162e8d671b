"""The certificate authorities of a store: the text that pods are to trust.

In: the reference of the specification, the ConfigMap or Secret that it names. Out: PEM, or what is
missing. Pure. The text goes into the configuration's Secret beside the file, so that pods are made
anew when it changes: the registry reads what it trusts once.

How the program is told: SSL_CERT_DIR, which every Go program reads, so that one way serves all
drivers and releases; the certificates of the image stay trusted (crypto/x509/root_unix.go).
AWS_CA_BUNDLE would be for S3 alone, instead of the image's, and where the driver of 2.8 sets a
transport of its own it ends the program (session.go of aws-sdk-go).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from controllers.registry import child
from registry_operator.api.reference import CaBundle
from registry_operator.kube.object import Object
from registry_operator.runtime.outcome import Blocked

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

FILE = "ca.crt"
_BEGINS = "-----BEGIN CERTIFICATE-----"


def plan_certificates(inputs: "RegistryInputs", bundle: CaBundle | None) -> str | Blocked:
    """The certificates to trust besides the image's, as PEM; "" when none are named."""
    reference = (bundle.config_map_ref or bundle.secret_ref) if bundle is not None else None
    if bundle is None or reference is None:
        return ""
    kind = "ConfigMap" if bundle.config_map_ref is not None else "Secret"
    where = f"{kind} {reference.name} (caBundle of spec.storage)"
    held = inputs.certificates
    if held.problem:
        return Blocked("CaBundleUnreadable", f"{where} can't be read: {held.problem}")
    if not held.known:
        return Blocked("CaBundleNotRead", f"{where} is being read")
    if held.found is None:
        told = f"{where} does not exist in namespace {inputs.owner.namespace}: create it"
        return Blocked("CaBundleNotFound", told)
    text = _data(held.found, kind).get(reference.key, "")
    if _BEGINS not in text:
        told = f"{where} holds no certificate as PEM under {reference.key}: add it, or name the key"
        return Blocked("CaBundleInvalid", told)
    return text


def _data(source: Object, kind: str) -> Mapping[str, str]:
    return child.decoded(source) if kind == "Secret" else source.body().get("data") or {}
