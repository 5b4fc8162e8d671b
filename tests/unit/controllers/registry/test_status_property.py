"""Whatever the world looks like: documented words, each once, and summaries that fit together."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from controllers.registry import assembly
from controllers.registry.guardian import NAME as GUARDIAN
from controllers.registry.health import PodHealth
from controllers.registry.inputs import CosiObjects, Credentials, RegistryInputs
from controllers.registry.mender import NAME as MENDER
from controllers.registry.reasons import CONDITIONS, TABLE
from controllers.registry.status import conditions
from registry_operator.runtime.outcome import After, Blocked, Done, Outcome, Stalled
from registry_operator.runtime.outcomes import Recorded
from registry_operator.testing.builders import (
    CLAIMED,
    COSI,
    EMPTY_DIR,
    S3,
    a_deployment,
    a_pod,
    a_registry,
    a_service,
    an_endpoint_slice,
    an_object,
    deleting,
    waiting,
)
from registry_operator.testing.claims import a_bucket_access, a_bucket_claim
from tests.unit.controllers.registry.snapshots import granted, holding, objects, serving

OWNER = a_registry()
SPECS = st.fixed_dictionaries(
    {
        "storage": st.sampled_from([None, EMPTY_DIR, S3, COSI, CLAIMED]),
        "replicas": st.sampled_from([0, 1, 3]),
        "image": st.sampled_from(
            ["registry:3.1.2", "registry:2.8.3", "registry:2.7.1", "R", "r:x"]
        ),
        "paused": st.booleans(),
        "template": st.sampled_from([None, "golden"]),
        "config": st.sampled_from([None, {"nonsense": 1}, {"http": {"addr": ":1"}}]),
        "service": st.sampled_from([{}, {"type": "LoadBalancer"}]),
    }
)
PODS = [
    a_pod(OWNER),
    a_pod(OWNER, ready=True),
    a_pod(OWNER, container=waiting("ErrImagePull")),
    a_pod(OWNER, container=waiting("CreateContainerConfigError")),
    a_pod(OWNER, conditions=[{"type": "PodScheduled", "status": "False"}]),
]
STATUSES = [
    None,
    {},
    {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 1},
    {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]},
    {"observedGeneration": 1, "conditions": [{"reason": "ProgressDeadlineExceeded"}]},
]
REFUSALS = ["QuotaExceeded", "AdmissionDenied", "Forbidden", "ForeignObject", "WriteFailed"]
OUTCOMES: st.SearchStrategy[Outcome] = st.one_of(
    st.just(Done()),
    st.sampled_from(REFUSALS).map(lambda reason: After(30, reason, "told")),
    st.sampled_from(["Paused", "Terminating", "WaitingForIdentity"]).map(
        lambda reason: Blocked(reason, "told")
    ),
    st.sampled_from(["ForeignObject", "Rejected"]).map(lambda reason: Stalled(reason, "told")),
)
SPEC_REFUSALS: list[Blocked | Stalled] = [
    Stalled("SpecInvalid", "no"),
    Blocked("TemplateNotFound", "no"),
]
NAMES = [*(kind.name for kind in assembly.KINDS), GUARDIAN, MENDER]


@st.composite
def worlds(draw: st.DrawFn) -> RegistryInputs:
    registry = a_registry(**draw(SPECS))
    if draw(st.booleans()):
        credentials = holding(accessKey="A", secretKey="B")
    else:
        credentials = draw(st.sampled_from([Credentials(known=False), Credentials(known=True)]))
    cosi = CosiObjects(
        served=draw(st.booleans()),
        claim=draw(_maybe(a_bucket_claim(registry, ready=draw(st.booleans())))),
        access=draw(_maybe(a_bucket_access(registry, granted=draw(st.booleans())))),
    )
    pods = draw(st.lists(st.sampled_from(PODS), max_size=2))
    status: Any = draw(st.sampled_from(STATUSES))
    world = serving(
        registry,
        credentials=credentials,
        cosi=cosi,
        pods=pods,
        health=tuple(draw(st.lists(st.just(PodHealth("uid-images-1-a", "StorageFailing", "x")), max_size=1))),
        deployment=draw(_maybe(a_deployment(registry, status=status))),
        service=draw(_maybe(a_service(registry))),
        endpoint_slices=objects(an_endpoint_slice(registry)) if draw(st.booleans()) else (),
    )  # fmt: skip
    if registry["spec"].get("storage") == COSI and draw(st.booleans()):
        bucket = granted(registry)
        world = replace(world, cosi=bucket.cosi, credentials=bucket.credentials)
    if draw(st.integers(0, 9)) == 0:
        return replace(world, owner=an_object(deleting(registry)))
    refusal = draw(st.sampled_from(SPEC_REFUSALS))
    refused = draw(st.integers(0, 9)) == 0
    return replace(world, spec=None, refusal=refusal) if refused else world


def _maybe(body: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.just(an_object(body))


@given(worlds(), st.dictionaries(st.sampled_from(NAMES), OUTCOMES))
def test_conditions_are_documented_unique_and_consistent(
    world: RegistryInputs, outcomes: dict[str, Outcome]
) -> None:
    recorded = {name: Recorded(outcome, 1) for name, outcome in outcomes.items()}
    told = {one.type: one for one in conditions(world, recorded)}
    listed = [one.type for one in conditions(world, recorded)]

    assert listed[0] == "Ready"
    assert len(set(listed)) == len(listed)
    assert told.keys() <= CONDITIONS.keys()
    for one in told.values():
        assert one.reason in TABLE, one
        assert one.message
    ready = told["Ready"]
    assert ready.status in {"True", "False"}
    summaries = [told[name] for name in ("Reconciling", "Stalled") if name in told]
    # kstatus: Stalled is Failed, Reconciling is InProgress, neither with Ready is Current.
    assert len(summaries) == (0 if ready.status == "True" or "Paused" in told else 1)
    for one in summaries:
        assert (one.status, one.reason, one.message) == ("True", ready.reason, ready.message)
    if ready.status == "True" and ready.reason == "Ready":
        concerns = ("Available", "ConfigurationValid", "ServiceAvailable")
        assert {told[name].status for name in concerns} == {"True"}
        assert told["Progressing"].reason == "RolledOut"
