"""The cluster's certificates: a key pair for each identity that a real cluster's components have.

In flows an `Identity` (who, in which groups, serving which names); out flow a certificate and a key
as files that an `Authority` signed. Nobody shares an identity and nobody but the administrator is
in `system:masters`: a component that lacks a right fails here as it would in production. Keys are
ECDSA P-256, which are made in a millisecond.

Names and groups: https://kubernetes.io/docs/setup/best-practices/certificates/ and the bootstrap
policy of https://kubernetes.io/docs/reference/access-authn-authz/rbac/#core-component-roles.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALIDITY = timedelta(days=365)
SKEW = timedelta(hours=1)
NODES_GROUP = "system:nodes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a certificate is for.

    `serves` are the names and addresses that it is a server of; a mere client has none.
    """

    name: str
    groups: Sequence[str] = ()
    serves: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, as PEM files; the key is readable by its owner only."""

    certificate: Path
    key: Path


ADMIN = Identity(name="kubernetes-admin", groups=["system:masters"])
CONTROLLER_MANAGER = Identity(name="system:kube-controller-manager")
SCHEDULER = Identity(name="system:kube-scheduler")
PROXY = Identity(name="system:kube-proxy")
KUBELET_CLIENT = Identity(name="kube-apiserver-kubelet-client")
FRONT_PROXY = Identity(name="front-proxy-client")
DNS = Identity(name="system:coredns")
KWOK = Identity(name="system:kwok")
COSI_CONTROLLER = Identity(name="system:cosi-controller")
COSI_SIDECAR = Identity(name="system:cosi-sidecar")
VOLUME_PROVISIONER = Identity(name="system:volume-provisioner")


def node_identity(node: str, address: str) -> Identity:
    """The kubelet of `node`.

    `system:node:NODE` in `system:nodes`, serving the node's name and address.
    """
    return Identity(name=f"system:node:{node}", groups=[NODES_GROUP], serves=[node, address])


def apiserver_identity(addresses: Sequence[str]) -> Identity:
    """The API server, serving its in-cluster names, localhost and `addresses`."""
    service = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
    names = ["localhost", *service, "kubernetes.default.svc.cluster.local", *addresses]

    return Identity(name="kube-apiserver", serves=list(dict.fromkeys(names)))


class Authority:
    """A certificate authority in `folder` (`NAME.crt`, `NAME.key`): made once, then read."""

    def __init__(
        self, folder: Path, name: str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._folder = folder
        self._now = now
        self.pair = Pair(folder / f"{name}.crt", folder / f"{name}.key")
        if not self.pair.certificate.exists():
            self._create(name)

        self._certificate = x509.load_pem_x509_certificate(self.pair.certificate.read_bytes())
        key = serialization.load_pem_private_key(self.pair.key.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key

    def issue(self, file_name: str, identity: Identity) -> Pair:
        """The key pair of `identity` as `FILE_NAME.crt` and `.key`.

        An existing one is kept, as after a restart.
        """
        pair = Pair(self._folder / f"{file_name}.crt", self._folder / f"{file_name}.key")
        if not pair.certificate.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = self._sign(identity, key)
            _write_private(pair.key, _pem(key))
            _write(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM))

        return pair

    def _create(self, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(Identity(name=name))
        builder = self._builder(subject, subject, key, key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        builder = builder.add_extension(_usage(signs=True), critical=True)
        _write_private(self.pair.key, _pem(key))
        certificate = builder.sign(key, hashes.SHA256())
        _write(self.pair.certificate, certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, identity: Identity, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = self._builder(_subject(identity), self._certificate.subject, key, self._key)
        if identity.serves:
            uses.append(ExtendedKeyUsageOID.SERVER_AUTH)
            names = [_general_name(name) for name in identity.serves]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)

        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        )

        return builder.add_extension(_usage(signs=False), critical=True).sign(
            self._key, hashes.SHA256()
        )

    def _builder(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        issuer_key: ec.EllipticCurvePrivateKey,
    ) -> x509.CertificateBuilder:
        now = self._now()
        public, signer = key.public_key(), issuer_key.public_key()

        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - SKEW)
            .not_valid_after(now + VALIDITY)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False
            )
        )


def service_account_keys(folder: Path) -> Pair:
    """The key pair that signs service accounts' tokens.

    `.certificate` is the public key, as the API server wants it.
    """
    pair = Pair(folder / "service-account.pub", folder / "service-account.key")
    if not pair.certificate.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        _write_private(pair.key, _pem(key))
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        _write(pair.certificate, public)

    return pair


def _subject(identity: Identity) -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in identity.groups]

    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, identity.name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, so that a crash between two files leaves nothing that looks finished."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)


def _write_private(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
