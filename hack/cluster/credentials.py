"""Who is who in one cluster: key pairs and kubeconfigs of components, and of anybody who asks.

In flow the cluster's folder and plan; out flow files. Authorities are made once; asking again gives
the same files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from hack.cluster.home import Home
from hack.cluster.kubeconfig import Endpoint, kubeconfig, write_kubeconfig
from hack.cluster.pki import (
    ADMIN,
    FRONT_PROXY,
    KUBELET_CLIENT,
    Authority,
    Identity,
    Pair,
    apiserver_identity,
    service_account_keys,
)
from hack.cluster.plan import LOOPBACK, SERVICE_ADDRESS, Plan


class Credentials:
    """The key pairs and kubeconfigs of the cluster in `home`."""

    def __init__(self, home: Home, plan: Plan) -> None:
        home.pki.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._home, self._plan = home, plan
        self.authority = Authority(home.pki, "ca")
        self.front_authority = Authority(home.pki, "front-proxy-ca")
        self.service_accounts = service_account_keys(home.pki)
        served = [LOOPBACK, plan.address, SERVICE_ADDRESS]
        self.apiserver = self.authority.issue("apiserver", apiserver_identity(served))
        self.kubelet_client = self.authority.issue("kubelet-client", KUBELET_CLIENT)
        self.front_proxy = self.front_authority.issue("front-proxy", FRONT_PROXY)
        self.admin = self.authority.issue("admin", ADMIN)

    @property
    def inside(self) -> Endpoint:
        """The API server as components and everything inside see it."""
        return Endpoint(self._plan.server, self.authority.pair.certificate)

    @property
    def outside(self) -> Endpoint:
        """The API server as the host sees it."""
        return Endpoint(self._plan.host_server, self.authority.pair.certificate)

    def pair(self, identity: Identity, *, name: str = "") -> Pair:
        """The key pair of `identity`.

        `name` tells apart several of one identity (one kube-proxy per node).
        """
        return self.authority.issue(name or _file_name(identity), identity)

    def component(self, identity: Identity, *, name: str = "") -> Path:
        """The kubeconfig by which a component reaches the API server from inside, as `identity`."""
        name = name or _file_name(identity)
        path = self._home.kubeconfigs / "components" / f"{name}.kubeconfig"

        return self._write(path, self.inside, identity.name, self.pair(identity, name=name))

    def user(self, name: str, groups: Sequence[str]) -> Path:
        """The kubeconfig of any user in any groups, for use on the host."""
        identity = Identity(name=name, groups=groups)
        path = self._home.kubeconfig(_file_name(identity))

        return self._write(path, self.outside, name, self.pair(identity))

    def administrator(self, *, inside: bool = False) -> Path:
        """The kubeconfig of the administrator, for use on the host or inside."""
        path = self._home.kubeconfig("inside" if inside else "admin")
        endpoint = self.inside if inside else self.outside

        return self._write(path, endpoint, ADMIN.name, self.admin)

    def token(self, user: str, token: str) -> Path:
        """The kubeconfig of a service account by its token, for use on the host.

        `user` is the account's name as a user: `system:serviceaccount:NAMESPACE:NAME`.
        """
        path = self._home.kubeconfig(_file_name(Identity(name=user)))

        return self._write(path, self.outside, user, token)

    def _write(self, path: Path, endpoint: Endpoint, user: str, secret: Pair | str) -> Path:
        cluster = self._plan.unique
        content = kubeconfig(endpoint, cluster=cluster, user=user, credentials=secret)

        return write_kubeconfig(path, content)


def _file_name(identity: Identity) -> str:
    """A file name for any user and groups: readable, and different for different ones."""
    readable = "".join(c if c.isalnum() or c in "-." else "-" for c in identity.name)[:60]
    digest = hashlib.sha256("\0".join([identity.name, *identity.groups]).encode()).hexdigest()

    return f"{readable}-{digest[:8]}"
