"""COSI in the cluster: its controller, the provisioner sidecar, and our driver of the S3 store.

In flow the cluster's context and store; out flow command lines, the kinds and classes of COSI, and
whether a part works. The driver is reached by a socket in the cluster's folder; the sidecar waits
for it, and both of the others do nothing before they hold their Lease.

    BucketClaim ──▶ controller ──▶ Bucket ──▶ sidecar ──▶ driver ──▶ SeaweedFS
                                     BucketAccess ──▶ sidecar ──▶ driver: keys ──▶ Secret
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import yaml

from hack.cluster.api import Api
from hack.cluster.controlplane import MANIFESTS, Context
from hack.cluster.cosi_module import crds
from hack.cluster.error import ClusterError
from hack.cluster.pki import COSI_CONTROLLER, COSI_SIDECAR
from hack.cluster.process import Command
from hack.cluster.s3 import S3
from hack.cluster.tools import Toolbox

DRIVER, CONTROLLER, SIDECAR = "cosi-driver", "cosi-controller", "cosi-sidecar"
PARTS = (DRIVER, CONTROLLER, SIDECAR)
# By the names that controller and sidecar give them: the latter's is the driver's.
LEASES = {
    CONTROLLER: "leader-lock-cosi-controller-manager",
    SIDECAR: "seaweedfs-registry-operator-dev-cosi",
}
_NAMESPACE = "kube-system"
_GROUP = "/apis/objectstorage.k8s.io/v1alpha1"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_COLLECTIONS = {
    "BucketClass": f"{_GROUP}/bucketclasses",
    "BucketAccessClass": f"{_GROUP}/bucketaccessclasses",
    "MutatingAdmissionPolicy": f"{_ADMISSION}/mutatingadmissionpolicies",
    "MutatingAdmissionPolicyBinding": f"{_ADMISSION}/mutatingadmissionpolicybindings",
}
_SOCKET_AT_MOST = 107  # bytes: sun_path in unix(7)
_ROOT = Path(__file__).resolve().parents[2]


class Cosi:
    """COSI over `store`, before the API server of `context`."""

    def __init__(self, context: Context, store: S3, api: Api, toolbox: Toolbox) -> None:
        self._context = context
        self._store = store
        self._api = api
        self._toolbox = toolbox

    def commands(self) -> list[Command]:
        """The three processes, in the order in which they need each other."""
        controller, sidecar = (
            self._context.credentials.component(identity)
            for identity in (COSI_CONTROLLER, COSI_SIDECAR)
        )

        return [
            self._driver(),
            self._part(CONTROLLER, f"--kubeconfig={controller}"),
            self._part(SIDECAR, f"--kubeconfig={sidecar}", f"--driver-addr={self._endpoint}"),
        ]

    def install_kinds(self) -> None:
        """Makes the CustomResourceDefinitions; the API server serves them a moment later."""
        for kind in self._kinds():
            self._api.apply(f"{_CRDS}/{kind['metadata']['name']}", kind)

    def serves_kinds(self) -> bool:
        """Whether the API server serves all of them."""
        wanted = {kind["spec"]["names"]["plural"] for kind in self._kinds()}
        answer = self._api.request("GET", _GROUP)

        return answer.status == 200 and wanted <= {one["name"] for one in answer.body["resources"]}

    def install_objects(self) -> None:
        """Makes the classes by which users ask for our driver, and what guards the claims."""
        for document in yaml.safe_load_all((MANIFESTS / "cosi.yaml").read_text()):
            collection = _COLLECTIONS[document["kind"]]
            self._api.apply(f"{collection}/{document['metadata']['name']}", document)

    def is_ready(self, name: str) -> bool:
        """Whether a part works: the driver answers, the others hold their Lease."""
        if name == DRIVER:
            return self._answers()

        path = f"/apis/coordination.k8s.io/v1/namespaces/{_NAMESPACE}/leases/{LEASES[name]}"
        answer = self._api.request("GET", path)

        return answer.status == 200 and bool(answer.body["spec"].get("holderIdentity"))

    @property
    def _socket(self) -> Path:
        path = self._context.home.root / "cosi.sock"
        if len(str(path).encode()) > _SOCKET_AT_MOST:
            raise ClusterError(
                "cosi", f"{path} is too long for a socket", cure="set a shorter XDG_STATE_HOME"
            )

        return path

    @property
    def _endpoint(self) -> str:
        return f"unix://{self._socket}"

    def _driver(self) -> Command:
        arguments = [
            *(sys.executable, "-m", "hack.cosi_driver"),
            *("--store", self._store.endpoint, "--region", self._store.region),
            *("--keys", str(self._store.keys_file)),
        ]
        environment = {
            "COSI_ENDPOINT": self._endpoint,
            "PYTHONPATH": str(_ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

        return Command(name=DRIVER, arguments=arguments, environment=environment)

    def _part(self, name: str, *flags: str) -> Command:
        return Command(
            name=name,
            arguments=[self._context.binary(name), *flags, "-v=3"],
            environment={"POD_NAMESPACE": _NAMESPACE},
        )

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self._socket))
            except OSError:
                return False

        return True

    def _kinds(self) -> list[dict[str, Any]]:
        return list(yaml.safe_load_all(crds(self._toolbox)))
