"""Which Registry is checked as a client would use it, and where.

Pure: a snapshot flows in, an address flows out. A Registry that should not serve, or of which
Kubernetes says itself that nobody does, is not asked.
"""

from controllers.registry import observed
from controllers.registry.configuration import http_prefix
from controllers.registry.inputs import RegistryInputs
from registry_operator.distribution.check import Check


def target(inputs: RegistryInputs) -> Check | None:
    """What to ask, as a client would; None: nothing now."""
    service = inputs.children.service
    if not should_serve(inputs) or service is None or not is_ready(inputs):
        return None
    spec = service.body()["spec"]
    # By address, as the operator may be where the cluster's names are not known.
    address = spec.get("clusterIP")
    if not address or address == "None":
        return None
    return Check(
        address,
        spec["ports"][0]["port"],
        prefix=http_prefix(inputs.wanted),
        seconds=float(inputs.wanted.health_check.timeout_seconds),
    )


def should_serve(inputs: RegistryInputs) -> bool:
    """Whether clients should be served, and that is to be checked."""
    if inputs.hold is not None:
        return False
    return inputs.wanted.health_check.enabled and inputs.wanted.replicas > 0


def is_ready(inputs: RegistryInputs) -> bool:
    """Whether Kubernetes says that somebody serves."""
    return observed.ready_endpoints(inputs.children.endpoint_slices) > 0
