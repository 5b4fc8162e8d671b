"""The operator as users install it: from its image and a kustomize overlay, into a cluster.

In flows a cluster; out comes an operator that is available and runs the code of this tree.
"""

from __future__ import annotations

from pathlib import Path

from hack.cluster.cluster import Cluster
from hack.cluster.report import Say, to_stderr
from hack.e2e.rights import Right, granted_by_files
from hack.images.catalogue import image

NAMESPACE = "registry-operator-system"
USER = f"system:serviceaccount:{NAMESPACE}:registry-operator"
IMAGE = "registry-operator:dev"
CONFIG = Path(__file__).resolve().parents[2] / "config"
# Asks, without a record, whether who sets blockOwnerDeletion may set the owner's finalizers, and
# whether who puts back an owner reference may delete the child: the stories that make and repair
# children prove that these rights are needed.
ADMISSION = "--enable-admission-plugins=OwnerReferencesPermissionEnforcement"
USED_BY_ADMISSION = frozenset(
    {
        Right("registry-operator.dev/registries/finalizers", "update"),
        Right("serviceaccounts", "delete"),
        Right("services", "delete"),
    }
)
_OVERLAY = CONFIG / "overlays" / "test"
_ROLES = (CONFIG / "rbac" / "role.yaml", CONFIG / "rbac" / "leader_election_role.yaml")


def rights() -> frozenset[Right]:
    """Every right that the installation gives the operator."""
    return granted_by_files(_ROLES)


def install_rights(cluster: Cluster) -> Path:
    """Installs CRDs, account and roles, but no operator; returns the account's kubeconfig."""
    cluster.kubectl("apply", "--server-side", "-k", str(CONFIG / "crd"))
    cluster.kubectl("apply", "--server-side", "-f", str(CONFIG / "manager" / "namespace.yaml"))
    cluster.kubectl("apply", "--server-side", "-k", str(CONFIG / "rbac"))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")

    return cluster.kubeconfig(service_account=f"{NAMESPACE}/registry-operator")


def install(cluster: Cluster, *, say: Say = to_stderr) -> None:
    """Installs the operator, or brings an installed one up to date; waits until it is available.

    Raises ClusterError when it does not become available.
    """
    cluster.load(image(IMAGE, say=say))
    say("installing the operator")
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-k", str(_OVERLAY))
    cluster.kubectl("-n", NAMESPACE, "rollout", "restart", "deployment/registry-operator")
    wait(cluster)


def wait(cluster: Cluster) -> None:
    """Waits until the operator's newest pods are ready. Raises ClusterError when they are not."""
    arguments = ("rollout", "status", "deployment/registry-operator", "--timeout=90s")
    cluster.kubectl("-n", NAMESPACE, *arguments)
