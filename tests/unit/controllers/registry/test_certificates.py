"""Certificate authorities of a store: where they come from, how the registry finds them."""

import base64
from typing import Any

import pytest

from controllers.registry import configuration, deployment
from controllers.registry.configuration import Configuration
from controllers.registry.inputs import Referent, RegistryInputs
from controllers.registry.references import config_maps_of, secrets_of
from registry_operator.api.storage import Storage
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcome import Blocked
from registry_operator.testing.builders import (
    CERTIFICATES,
    NAMESPACE,
    TRUSTING,
    a_config_map,
    a_registry,
    a_secret,
    an_object,
)
from tests.unit.controllers.registry.pod_security import violations
from tests.unit.controllers.registry.snapshots import a_snapshot, body_of, serving

IN_SECRET = {"s3": {"bucket": "b", "caBundle": {"secretRef": {"name": "ca", "key": "bundle.pem"}}}}


def found(data: dict[str, str]) -> Referent:
    return Referent(known=True, found=an_object(a_config_map("store-ca", data)))


def a_plan(certificates: Referent, storage: Any = TRUSTING) -> RegistryInputs:
    return a_snapshot(a_registry(storage=storage), certificates=certificates)


def test_certificates_lie_beside_the_file_and_the_program_is_told_where() -> None:
    snapshot = a_plan(found(dict(CERTIFICATES)))
    data = body_of(configuration.desired(snapshot))["data"]

    assert data.keys() == {"config.yml", "ca.crt"}
    assert base64.b64decode(data["ca.crt"]).decode() == CERTIFICATES["ca.crt"]


def test_a_secret_may_hold_them_under_a_key_of_its_own() -> None:
    secret = an_object(a_secret("ca", {"bundle.pem": CERTIFICATES["ca.crt"]}))
    plan = a_plan(Referent(known=True, found=secret), IN_SECRET).configuration

    assert isinstance(plan, Configuration)
    assert plan.files == {"ca.crt": CERTIFICATES["ca.crt"]}


def test_other_certificates_make_pods_anew() -> None:
    names = set()
    for text in ("one", "two"):
        plan = a_plan(found({"ca.crt": CERTIFICATES["ca.crt"] + text})).configuration
        assert isinstance(plan, Configuration)
        names.add(plan.secret_name)

    assert len(names) == 2


def test_pods_trust_what_their_image_trusts_as_well() -> None:
    def environment(storage: Any, certificates: Referent) -> dict[str, Any]:
        snapshot = serving(a_registry(storage=storage), certificates=certificates)
        pod = body_of(deployment.desired(snapshot))["spec"]["template"]["spec"]
        assert violations(pod) == []
        return {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}

    trusting = environment(TRUSTING, found(dict(CERTIFICATES)))
    plain = environment({"s3": {"bucket": "b"}}, Referent(known=True))

    assert trusting["SSL_CERT_DIR"] == "/etc/registry-operator:/etc/ssl/certs"
    assert "SSL_CERT_DIR" not in plain


@pytest.mark.parametrize(
    ("certificates", "reason", "words"),
    [
        (Referent(known=False), "CaBundleNotRead", ["is being read"]),
        (Referent(known=False, problem="403: no"), "CaBundleUnreadable", ["403: no"]),
        (Referent(known=True), "CaBundleNotFound", ["in namespace team-a", "create it"]),
        (found({}), "CaBundleInvalid", ["under ca.crt"]),
        (found({"ca.crt": "not PEM"}), "CaBundleInvalid", ["as PEM", "name the key"]),
    ],
)
def test_what_is_missing_is_named_with_the_cure(
    certificates: Referent, reason: str, words: list[str]
) -> None:
    plan = a_plan(certificates).storage

    assert isinstance(plan, Blocked)
    assert plan.reason == reason
    for word in ("ConfigMap store-ca (caBundle of spec.storage)", *words):
        assert word in plan.message
    assert "not PEM" not in plan.message


def test_what_is_referred_to_is_followed_each_kind_by_itself() -> None:
    owner = an_object(a_registry())
    in_map = Storage.model_validate(dict(TRUSTING))
    both = Storage.model_validate({"s3": {**IN_SECRET["s3"], "secretRef": {"name": "ca"}}})

    assert secrets_of(owner, in_map) == ()
    assert config_maps_of(owner, in_map) == (ObjectKey(NAMESPACE, "store-ca"),)
    assert secrets_of(owner, both) == (ObjectKey(NAMESPACE, "ca"),)
    assert config_maps_of(owner, both) == config_maps_of(owner, None) == ()
