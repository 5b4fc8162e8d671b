"""Law 10: what is known to be bad comes to no pods that serve, unless its user wanted no canary.

In flow writes of operators to Deployments, held against what the Deployment was before and what the
Registry asks for. At rest a Registry whose change failed serves with what it had.
"""

from collections.abc import Iterator
from typing import Any

from controllers.kinds import DEPLOYMENT, REGISTRY
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.fake_api import Change, FakeApi
from tests.simulation.laws.law import Court
from tests.simulation.scenario_upgrades import BAD

Body = dict[str, Any]
_HEALTHY = "registry-operator.dev/healthy-revision"
_REVISION = "registry-operator.dev/revision"


class Upgrades:
    """Watches what operators make of Deployments."""

    def __init__(self, court: Court) -> None:
        self._court = court
        # Those who were once told to do without a canary: who acts on it may do so late.
        self._hasty: set[str] = set()

    def learn(self, change: Change) -> None:
        """Take a change of anybody."""
        wants = change.new.get("spec", {}).get("upgrade", {}) if change.resource == REGISTRY else {}
        if wants.get("canary") is False:
            self._hasty.add(change.new["metadata"]["name"])

    def see(self, change: Change) -> None:
        """Judge one write of an operator."""
        if change.resource != DEPLOYMENT or change.old is None or change.kind == "DELETED":
            return
        name, before, after = change.new["metadata"]["name"], change.old, change.new
        if name.endswith("-canary") or image_of(after) not in BAD or image_of(before) in BAD:
            return
        healthy = before["metadata"].get("annotations", {}).get(_HEALTHY)
        # What a Registry began with was tried by nobody, and is what it goes back to (seed 3710).
        goes_back = healthy == after["metadata"].get("annotations", {}).get(_REVISION)
        if healthy is not None and not goes_back and name not in self._hasty:
            self._court.broken("upgrades", f"{name} served, and was given {image_of(after)}")


def failed_at_rest(api: FakeApi) -> Iterator[str]:
    """Yield what is wrong with Registries at rest whose change has failed."""
    for body in api.objects(REGISTRY):
        conditions = body.get("status", {}).get("conditions", ())
        ready = next((one["reason"] for one in conditions if one["type"] == "Ready"), "")
        key = ObjectKey(body["metadata"]["namespace"], body["metadata"]["name"])
        deployment = api.get(DEPLOYMENT, key)
        if ready == "UpgradeFailed" and deployment is not None:
            # What a Registry began with was tried by nobody, and may be bad too (seed 2467).
            failed = body["status"]["upgrade"]["toImage"]
            if failed in BAD and image_of(deployment) == failed:
                yield f"{key.name} tells that {failed} was taken back, and has it"
        canary = ObjectKey(key.namespace, f"{key.name}-canary")
        if ready in {"UpgradeFailed", "Ready"} and api.get(DEPLOYMENT, canary) is not None:
            yield f"the canary of {key.name} is left"


def image_of(deployment: Body) -> str:
    """The image that a Deployment asks for."""
    image: str = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return image
