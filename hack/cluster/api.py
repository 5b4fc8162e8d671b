"""The API server as this package needs it: a few requests by client certificate.

In flow an endpoint and a key pair; out flow decoded answers. It exists because starting a cluster
asks dozens of short questions ("ready yet?"), for each of which a kubectl would take longer to
start than the answer to come.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from hack.cluster.error import ClusterError
from hack.cluster.kubeconfig import Endpoint
from hack.cluster.pki import Pair

APPLY = "application/apply-patch+yaml"
_NODE_LEASES = "namespaces/kube-node-lease/leases"
_NOT_READY = "node.kubernetes.io/not-ready"
MANAGER = "local-cluster"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: HTTP status and the body's text."""

    status: int
    text: str

    @property
    def body(self) -> dict[str, Any]:
        """The body as a JSON object."""
        value: dict[str, Any] = json.loads(self.text)

        return value


class Api:
    """Requests to one API server as one user.

    Each is a connection of its own: nothing to close, nothing to go stale.
    """

    def __init__(self, endpoint: Endpoint, pair: Pair, *, timeout: float = 10.0) -> None:
        self._at = urlsplit(endpoint.server)
        self._timeout = timeout
        self._context = ssl.create_default_context(cafile=str(endpoint.authority))
        self._context.load_cert_chain(pair.certificate, pair.key)

    def request(
        self, method: str, path: str, body: object = None, *, content: str = "application/json"
    ) -> Answer:
        """One request; any HTTP status is an answer. Raises OSError when there is no answer."""
        connection = http.client.HTTPSConnection(
            self._at.hostname or "", self._at.port, timeout=self._timeout, context=self._context
        )
        headers: Mapping[str, str] = {"Content-Type": content} if body is not None else {}
        try:
            payload = json.dumps(body) if body is not None else None
            connection.request(method, path, body=payload, headers=dict(headers))
            response = connection.getresponse()

            return Answer(response.status, response.read().decode())
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def get(self, path: str) -> dict[str, Any]:
        """The object at `path`. Raises ClusterError unless the answer is 200."""
        return self._expect("GET", path, self.request("GET", path))

    def post(self, path: str, body: object) -> dict[str, Any]:
        """Creates `body` at `path`. Raises ClusterError unless the answer is a success."""
        return self._expect("POST", path, self.request("POST", path, body))

    def apply(self, path: str, body: object) -> dict[str, Any]:
        """Server-side apply of `body` at `path`.

        Raises ClusterError unless the answer is a success.
        """
        path = f"{path}?fieldManager={MANAGER}&force=true"

        return self._expect("PATCH", path, self.request("PATCH", path, body, content=APPLY))

    def is_ready(self) -> bool:
        """Whether the API server says that it is ready."""
        return self._succeeds(lambda: self.request("GET", "/readyz").status == 200)

    def node_is_ready(self, name: str, *, since: datetime | None = None) -> bool:
        """Whether node `name` exists and its condition Ready is True.

        With `since` its kubelet must also have renewed its Lease after that: the condition of a
        node whose power was cut stays True until the controllers notice.
        """

        def ready() -> bool:
            node = self._node(name)

            return _is_ready(node) and (since is None or self._lease_renewed(name, since))

        return self._succeeds(ready)

    def node_takes_pods(self, name: str) -> bool:
        """Whether node `name` is Ready, and the scheduler may know it.

        What keeps pods off a new node is a taint, that the controller manager takes away some time
        after it became Ready: until then pods crowd on the others.
        """

        def takes() -> bool:
            node = self._node(name)
            taints = node.get("spec", {}).get("taints", ())

            return _is_ready(node) and all(taint["key"] != _NOT_READY for taint in taints)

        return self._succeeds(takes)

    def _node(self, name: str) -> dict[str, Any]:
        """Node `name`; empty when there is none."""
        answer = self.request("GET", f"/api/v1/nodes/{name}")

        return answer.body if answer.status == 200 else {}

    def _lease_renewed(self, name: str, since: datetime) -> bool:
        lease = self.request("GET", f"/apis/coordination.k8s.io/v1/{_NODE_LEASES}/{name}")

        return (
            lease.status == 200 and datetime.fromisoformat(lease.body["spec"]["renewTime"]) > since
        )

    @staticmethod
    def _succeeds(question: Callable[[], bool]) -> bool:
        """An API server that is not there, or not yet, answers every question with no."""
        try:
            return question()
        except OSError:
            return False

    @staticmethod
    def _expect(method: str, path: str, answer: Answer) -> dict[str, Any]:
        if not 200 <= answer.status < 300:
            raise ClusterError(f"{method} {path}", f"{answer.status} {answer.text[:500]}")

        return answer.body


def _is_ready(node: Mapping[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", ())

    return ("Ready", "True") in {(c["type"], c["status"]) for c in conditions}
