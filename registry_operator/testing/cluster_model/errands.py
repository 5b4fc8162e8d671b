"""Pods that run once, and that no Deployment made: those that ask an image for its release.

In flow pods; out flows how they end, as the kubelet tells it of a registry that can't listen: with
an error, and with its last lines of log as message (k8s.io/kubernetes/pkg/kubelet/kuberuntime).
"""

import json
from collections.abc import Callable
from typing import Any

from controllers.kinds import POD
from registry_operator.api.names import LABEL_COMPONENT, VERSION_PROBE
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.fake_api import FakeApi

Body = dict[str, Any]


def is_errand(pod: Body) -> bool:
    """Whether a pod runs once."""
    return bool(pod["metadata"].get("labels", {}).get(LABEL_COMPONENT) == VERSION_PROBE)


class Errands:
    """Runs them.

    `version_of` is what an image says of itself: "" for one that ends without a word, None for one
    that has not ended.
    """

    def __init__(self, api: FakeApi, version_of: Callable[[str], str | None]) -> None:
        self._api = api
        self._version_of = version_of

    def settle(self, key: ObjectKey) -> None:
        """Bring a pod to its end."""
        pod = self._api.peek(POD, key)
        if pod is None or pod.get("status", {}).get("phase") == "Failed":
            return
        container = pod["spec"]["containers"][0]
        version = self._version_of(container["image"])
        if version is None:
            return
        ended = {"exitCode": 1, "reason": "Error", "message": _lines(version)}
        status = {
            "phase": "Failed",
            "podIP": "10.0.0.9",
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [
                {
                    "name": container["name"],
                    "ready": False,
                    "image": container["image"],
                    "state": {"terminated": ended},
                }
            ],
        }
        self._api.set_status(POD, key, status)


def _lines(version: str) -> str:
    told = {"version": version} if version else {}
    lines = ({"level": "info", "msg": "redis not configured", **told}, {"level": "fatal"})
    return "\n".join(json.dumps(line, separators=(",", ":")) for line in lines)
