"""The pods of a Registry on real nodes: where they are, and whether a roll has come to its end."""

from controllers.kinds import DEPLOYMENT, ENDPOINT_SLICE, POD
from hack.world import World

_ROLL_SECONDS = 120.0
_STEP_SECONDS = 0.5  # each look is some handshakes, on cores that the load needs


class Pods:
    """The pods of `registry`."""

    def __init__(self, world: World, registry: str) -> None:
        self._world = world
        self._registry = registry

    def nodes(self) -> dict[str, str]:
        """The node of each pod, by the pod's name; those that are ending too."""
        pods = self._world.items(POD, owner=self._registry)
        return {pod["metadata"]["name"]: pod["spec"].get("nodeName", "") for pod in pods}

    def serving_nodes(self) -> set[str]:
        """The nodes whose pods the Service sends clients to."""
        return {
            endpoint["nodeName"]
            for one in self._world.items(ENDPOINT_SLICE)
            if one["metadata"]["labels"]["kubernetes.io/service-name"] == self._registry
            for endpoint in one["endpoints"] or ()
            if endpoint["conditions"].get("ready")
        }

    def await_rolled(self, replicas: int) -> None:
        """Waits until all pods are of the newest kind and ready, and no other is left."""
        self._world.until(
            lambda: self._is_rolled(replicas),
            seconds=_ROLL_SECONDS,
            about=f"{self._registry} has {replicas} pods of the newest kind and is ready",
            step=_STEP_SECONDS,
        )

    def spread(self) -> None:
        """Puts two pods on two nodes, as drains and scaling do not always leave them."""
        (pod, full), (_, other) = sorted(self.nodes().items())
        if full == other:
            self._world.cluster.kubectl("cordon", full)
            self._world.delete(POD, pod)
            self._world.until(
                lambda: len(self.serving_nodes()) == 2, seconds=_ROLL_SECONDS, about="two nodes"
            )
            self.await_rolled(2)
            self._world.cluster.kubectl("uncordon", full)

    def _is_rolled(self, replicas: int) -> bool:
        deployment = self._world.get(DEPLOYMENT, self._registry)
        if deployment is None:
            return False
        status = deployment.get("status", {})
        counts = [status.get(f"{one}eplicas") for one in ("r", "updatedR", "availableR")]
        is_current = status.get("observedGeneration") == deployment["metadata"]["generation"]
        return (
            is_current
            and counts == [replicas] * 3
            and len(self.nodes()) == replicas
            and self._world.is_ready(self._registry)
        )
