"""Certificates.

Who they are for, what they may be used for, and that asking again gives the same.
"""

from __future__ import annotations

import ipaddress
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hack.cluster import pki
from hack.cluster.pki import Authority, Identity, Pair, apiserver_identity, node_identity

NOW = datetime(2026, 11, 23, tzinfo=UTC)
COMPONENTS = [
    pki.CONTROLLER_MANAGER,
    pki.SCHEDULER,
    pki.PROXY,
    pki.KUBELET_CLIENT,
    pki.DNS,
    pki.KWOK,
    pki.VOLUME_PROVISIONER,
    node_identity("node-1", "10.89.0.11"),
]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ca", now=lambda: NOW)


def read(pair: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate.read_bytes())


def subject(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(oid)]


def uses(certificate: x509.Certificate) -> set[x509.ObjectIdentifier]:
    return set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def test_a_kubelet_is_its_node_in_the_nodes_group_and_serves_its_name_and_address(
    authority: Authority,
) -> None:
    certificate = read(authority.issue("n", node_identity("node-1", "10.89.0.11")))

    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert subject(certificate, NameOID.COMMON_NAME) == ["system:node:node-1"]
    assert subject(certificate, NameOID.ORGANIZATION_NAME) == ["system:nodes"]
    assert names.get_values_for_type(x509.DNSName) == ["node-1"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("10.89.0.11")]
    assert ExtendedKeyUsageOID.SERVER_AUTH in uses(certificate)


@pytest.mark.parametrize("identity", COMPONENTS, ids=lambda identity: identity.name)
def test_no_component_is_an_administrator(authority: Authority, identity: Identity) -> None:
    certificate = read(authority.issue("c", identity))

    assert "system:masters" not in subject(certificate, NameOID.ORGANIZATION_NAME)


def test_components_have_different_names() -> None:
    assert len({identity.name for identity in COMPONENTS}) == len(COMPONENTS)


def test_a_client_cannot_serve(authority: Authority) -> None:
    certificate = read(authority.issue("s", pki.SCHEDULER))

    assert uses(certificate) == {ExtendedKeyUsageOID.CLIENT_AUTH}


def test_every_group_of_a_user_is_in_the_certificate(authority: Authority) -> None:
    identity = Identity(name="jo", groups=["devs", "ops"])

    certificate = read(authority.issue("jo", identity))

    assert subject(certificate, NameOID.ORGANIZATION_NAME) == ["devs", "ops"]


def test_a_certificate_is_signed_by_its_authority_and_is_none_itself(authority: Authority) -> None:
    certificate = read(authority.issue("s", pki.SCHEDULER))

    certificate.verify_directly_issued_by(read(authority.pair))
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert basic.ca is False


def test_validity_begins_before_now_for_clocks_that_lag(authority: Authority) -> None:
    certificate = read(authority.issue("s", pki.SCHEDULER))

    assert certificate.not_valid_before_utc < NOW
    assert certificate.not_valid_after_utc > NOW + timedelta(days=300)


def test_asking_again_gives_the_same_files(tmp_path: Path, authority: Authority) -> None:
    first = authority.issue("s", pki.SCHEDULER).certificate.read_bytes()

    again = Authority(tmp_path, "ca", now=lambda: NOW)

    assert again.issue("s", pki.SCHEDULER).certificate.read_bytes() == first
    assert read(again.pair) == read(authority.pair)


def test_keys_are_readable_by_their_owner_only(tmp_path: Path, authority: Authority) -> None:
    keys = [
        authority.pair.key,
        authority.issue("s", pki.SCHEDULER).key,
        pki.service_account_keys(tmp_path).key,
    ]

    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_keys_are_elliptic_and_differ(authority: Authority) -> None:
    one, other = (read(authority.issue(name, pki.PROXY)).public_key() for name in ("a", "b"))

    assert isinstance(one, ec.EllipticCurvePublicKey)
    assert one != other


def test_the_api_server_serves_its_service_names_and_each_address_once() -> None:
    serves = apiserver_identity(["127.0.0.1", "127.0.0.1", "10.96.0.1"]).serves

    assert "kubernetes.default.svc" in serves
    assert serves.count("127.0.0.1") == 1
