import ssl

import pytest
import trustme

from registry_operator.kube.credentials import Credentials, FixedIdentity, Identity, Server
from tests.unit.kube.server_stage import PEM

URL = "https://127.0.0.1:6443/"


class Renewed:
    """Hands out a new client certificate at each refresh."""

    def __init__(self) -> None:
        self.current = a_pair()

    async def identity(self, *, refresh: bool = False) -> Identity:
        if refresh:
            self.current = a_pair()
        return self.current


def a_pair() -> Identity:
    issued = trustme.CA().issue_cert("user")
    certificate = issued.cert_chain_pems[0].bytes().decode()
    return Identity(certificate=certificate, key=issued.private_key_pem.bytes().decode())


def test_the_server_is_verified_unless_told_otherwise() -> None:
    strict = Credentials(Server(URL, authority=PEM), FixedIdentity(Identity())).ssl
    lax = Credentials(Server(URL, is_verified=False), FixedIdentity(Identity())).ssl

    assert strict is not None
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert strict.minimum_version == ssl.TLSVersion.TLSv1_2
    assert lax is not None
    assert (lax.verify_mode, lax.check_hostname) == (ssl.CERT_NONE, False)


def test_a_server_in_the_clear_has_no_context() -> None:
    credentials = Credentials(Server("http://127.0.0.1:1/prefix/"), FixedIdentity(Identity()))

    assert credentials.ssl is None
    assert credentials.server == "http://127.0.0.1:1/prefix"


def test_settings_of_the_server_are_handed_on() -> None:
    server = Server(URL, authority=PEM, hostname="api", proxy="http://p", namespace="ns")
    credentials = Credentials(server, FixedIdentity(Identity()))

    assert (credentials.server_hostname, credentials.proxy) == ("api", "http://p")
    assert credentials.namespace == "ns"


def test_a_fixed_client_certificate_is_loaded() -> None:
    pair = a_pair()
    wrong = Identity(certificate=pair.certificate, key=a_pair().key)

    assert Credentials(Server(URL, client=pair), FixedIdentity(Identity())).ssl
    with pytest.raises(ssl.SSLError, match="KEY_VALUES_MISMATCH"):
        Credentials(Server(URL, client=wrong), FixedIdentity(Identity()))


async def test_a_renewed_certificate_makes_a_new_context_and_only_then() -> None:
    credentials = Credentials(Server(URL, authority=PEM), Renewed())
    first = (await credentials.token(), credentials.ssl)
    same = (await credentials.token(), credentials.ssl)
    renewed = (await credentials.token(refresh=True), credentials.ssl)

    assert first == same
    assert renewed[0] is None
    assert renewed[1] is not first[1]


async def test_closed_credentials_have_forgotten_the_token() -> None:
    source = FixedIdentity(Identity(token="hunter2"))
    credentials = Credentials(Server(URL), source)
    assert await credentials.token() == "hunter2"
    await credentials.close()

    assert await credentials.token() is None


def test_nothing_secret_is_shown() -> None:
    identity = Identity(token="hunter2", key="hunter2")

    assert "hunter2" not in repr(identity) + repr(Server(URL, client=identity))
