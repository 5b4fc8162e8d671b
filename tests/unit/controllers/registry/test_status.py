"""The conditions of a Registry in every state that its world can be in."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from controllers.registry.health import PodHealth
from controllers.registry.inputs import RegistryInputs
from controllers.registry.status import conditions, report
from registry_operator.runtime.conditions import Condition
from registry_operator.runtime.outcome import After, Blocked, Done, Outcome, Stalled
from registry_operator.runtime.outcomes import Recorded
from registry_operator.testing.builders import (
    S3,
    SELECTED,
    a_deployment,
    a_pod,
    a_registry,
    a_service,
    an_endpoint_slice,
    an_object,
    deleting,
    waiting,
)
from tests.unit.controllers.registry.snapshots import (
    a_cosi_registry,
    a_snapshot,
    asked,
    granted,
    having,
    holding,
    objects,
    serving,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)

DATA = {"accessKey": "A", "secretKey": "B"}
KEYS = holding(**DATA)
QUIET: dict[str, Any] = {"endpoint_slices": ()}
ROLLING = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 1}


def told(inputs: RegistryInputs, **outcomes: Outcome) -> dict[str, Condition]:
    recorded = {
        name.replace("_", "-"): Recorded(outcome, inputs.owner.generation)
        for name, outcome in outcomes.items()
    }
    return {one.type: one for one in conditions(inputs, recorded)}


def short(found: dict[str, Condition], type_: str) -> tuple[str, str]:
    return found[type_].status, found[type_].reason


def test_a_registry_that_serves_as_specified_is_ready_and_neither_at_work_nor_stuck() -> None:
    found = told(serving(), deployment=Done(), service=Done())

    assert {type_: short(found, type_) for type_ in found} == {
        "Ready": ("True", "Ready"),
        "Available": ("True", "Serving"),
        "StorageReady": ("True", "EphemeralStorage"),
        "ConfigurationValid": ("True", "ConfigurationRendered"),
        "ServiceAvailable": ("True", "ServiceReady"),
        "Progressing": ("False", "RolledOut"),
    }
    assert {one.observed_generation for one in found.values()} == {1}


def test_a_registry_that_nobody_has_looked_at_is_at_work() -> None:
    found = told(a_snapshot())

    assert short(found, "Ready") == ("False", "ServicePending")
    assert short(found, "Reconciling") == ("True", "ServicePending")
    assert short(found, "Available") == ("False", "PodsStarting")
    assert short(found, "Progressing") == ("False", "NotStarted")
    assert "Stalled" not in found


@pytest.mark.parametrize(
    ("inputs", "type_", "expected"),
    [
        (serving(a_registry(storage=S3), credentials=KEYS), "StorageReady", ("True", "StorageInUse")),
        (serving(a_registry(storage=S3), credentials=KEYS, **QUIET), "StorageReady", ("Unknown", "StorageConfigured")),
        (a_snapshot(a_registry(storage=S3)), "StorageReady", ("False", "SecretNotFound")),
        (a_snapshot(a_registry(storage=S3)), "ConfigurationValid", ("Unknown", "WaitingForStorage")),
        (a_snapshot(a_registry(storage=None)), "Stalled", ("True", "StorageNotSpecified")),
        (a_snapshot(a_cosi_registry()), "StorageReady", ("False", "CosiNotInstalled")),
        (granted(a_cosi_registry()), "StorageReady", ("Unknown", "StorageConfigured")),
        (serving(a_registry(image="R")), "ConfigurationValid", ("False", "ImageInvalid")),
        (serving(a_registry(image="registry:2.7.1")), "Stalled", ("True", "ReleaseUnsupported")),
        (serving(service=None), "ServiceAvailable", ("False", "ServicePending")),
        (serving(a_registry(service={"type": "LoadBalancer"})), "ServiceAvailable", ("False", "LoadBalancerPending")),
        (serving(a_registry(service={"type": "LoadBalancer"})), "Reconciling", ("True", "LoadBalancerPending")),
        (serving(**QUIET), "Available", ("False", "PodsStarting")),
        (serving(pods=[a_pod(a_registry())], **QUIET), "Available", ("False", "PodsNotReady")),
        (serving(pods=[a_pod(a_registry(), container=waiting("ErrImagePull"))], **QUIET), "Ready", ("False", "ImagePullFailed")),
        (serving(deployment=an_object(a_deployment(a_registry(), status=ROLLING))), "Progressing", ("True", "RollingOut")),
        (serving(deployment=an_object(a_deployment(a_registry(), status=ROLLING))), "Ready", ("False", "RollingOut")),
        (serving(deployment=an_object(a_deployment(a_registry(), status=ROLLING))), "Available", ("True", "Serving")),
    ],
)  # fmt: skip
def test_each_concern_is_judged_by_itself(
    inputs: RegistryInputs, type_: str, expected: tuple[str, str]
) -> None:
    assert short(told(inputs), type_) == expected


def test_a_load_balancer_with_an_address_is_available() -> None:
    registry = a_registry(service={"type": "LoadBalancer"})
    service = an_object(a_service(registry, ingress=[{"ip": "1.2.3.4"}]))

    assert short(told(serving(registry, service=service)), "ServiceAvailable")[0] == "True"


def test_a_roll_out_that_is_stuck_says_why_by_its_pods() -> None:
    late = {
        **ROLLING,
        "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}],
    }
    deployment = an_object(a_deployment(a_registry(), status=late))
    found = told(serving(deployment=deployment))
    assert short(found, "Progressing") == short(found, "Ready") == ("False", "DeadlineExceeded")

    new = a_pod(a_registry(), container=waiting("ErrImagePull"))
    found = told(serving(deployment=deployment, pods=[new]))
    assert short(found, "Ready") == ("False", "ImagePullFailed")
    assert short(found, "Available") == ("True", "Serving")


@pytest.mark.parametrize(
    "change",
    [{"image": "registry:0.0.1"}, {"config": "images-config-of-others"}, {"replicas": 3}],
)
def test_a_deployment_that_somebody_changed_is_not_told_as_ready(change: dict[str, Any]) -> None:
    config = serving().children.configurations[0].name
    deployment = an_object(a_deployment(a_registry(), **{"config": config, **change}))
    found = told(serving(deployment=deployment))

    assert short(found, "Ready") == ("False", "RollingOut")
    assert "changed by somebody else" in found["Progressing"].message


def test_scaled_to_zero_is_ready_and_serves_nothing() -> None:
    registry = a_registry(replicas=0)
    config = serving(registry).children.configurations[0].name
    deployment = an_object(a_deployment(registry, replicas=0, config=config))
    found = told(serving(registry, deployment=deployment, **QUIET))

    assert short(found, "Ready") == ("True", "ScaledToZero")
    assert short(found, "Available") == ("False", "ScaledToZero")
    assert "Stalled" not in found


@pytest.mark.parametrize(
    "reason",
    [
        "CredentialsRejected",
        "BucketNotFound",
        "CertificateUntrusted",
        "StorageUnreachable",
        "StorageFailing",
    ],
)
def test_what_a_pod_says_of_its_storage_is_told_by_storage_ready(reason: str) -> None:
    registry = a_registry(storage=S3)
    pod = a_pod(registry)
    answer = PodHealth("uid-images-1-a", reason, "the registry's words")
    found = told(serving(registry, credentials=KEYS, pods=[pod], health=(answer,), **QUIET))

    assert short(found, "StorageReady") == short(found, "Ready") == ("False", reason)
    assert "the registry's words" in found["Ready"].message


def test_the_words_of_a_store_that_a_secret_names_are_not_repeated() -> None:
    registry = a_registry(storage=SELECTED)
    answer = PodHealth("uid-images-1-a", "BucketNotFound", "the store's words")
    held = having({"s3-place": {"bucket": "b", "region": "r", "endpoint": "e"}, "s3-keys": DATA})
    snapshot = serving(
        registry, credentials=held, pods=[a_pod(registry)], health=(answer,), **QUIET
    )
    found = told(snapshot)

    assert short(found, "StorageReady") == short(found, "Ready") == ("False", "BucketNotFound")
    assert "the store's words" not in found["Ready"].message
    assert "see its log" in found["Ready"].message
    assert report(snapshot, [], now=NOW)["storage"] == {"kind": "s3"}


@pytest.mark.parametrize(
    ("reconciler", "concern"),
    [
        ("configuration", "ConfigurationValid"),
        ("http_secret", "ConfigurationValid"),
        ("service", "ServiceAvailable"),
        ("service_account", None),
        ("deployment", None),
        ("finalizer", None),
    ],
)
def test_a_write_that_is_refused_is_told_by_its_concern_and_by_ready(
    reconciler: str, concern: str | None
) -> None:
    refused = After(30, "QuotaExceeded", "the quota")
    found = told(serving(), **{reconciler: refused})

    assert short(found, "Ready") == ("False", "QuotaExceeded")
    assert found["Ready"].message == "the quota"
    if concern:
        assert short(found, concern) == ("False", "QuotaExceeded")


@pytest.mark.parametrize("reconciler", ["bucket_claim", "bucket_access", "finalizer"])
def test_a_refused_claim_is_told_instead_of_that_the_bucket_is_missing(reconciler: str) -> None:
    inputs = a_snapshot(a_cosi_registry(), cosi=replace(a_snapshot().cosi, served=True))
    assert short(told(inputs), "StorageReady") == ("False", "BucketNotReady")

    found = told(inputs, **{reconciler: After(30, "AdmissionDenied", "the webhook")})
    assert short(found, "StorageReady") == short(found, "Ready") == ("False", "AdmissionDenied")


@pytest.mark.parametrize("reason", ["BucketClaimStuck", "DeletionStuck"])
def test_what_cosi_leaves_stuck_is_told_instead_of_that_it_is_waited_for(reason: str) -> None:
    inputs = a_snapshot(a_cosi_registry(), cosi=replace(a_snapshot().cosi, served=True))
    found = told(inputs, bucket_mender=After(120, reason, "the command"))

    assert short(found, "StorageReady") == short(found, "Ready") == ("False", reason)
    assert found["StorageReady"].message == "the command"
    assert "Stalled" not in found


def test_that_a_claim_does_not_go_is_told_instead_of_that_it_goes() -> None:
    inputs = a_snapshot(a_cosi_registry(), cosi=replace(a_snapshot().cosi, served=True))
    found = told(
        inputs,
        bucket_access=Blocked("BucketClaimTerminating", "goes"),
        bucket_mender=Blocked("DeletionStuck", "does not"),
    )

    assert short(found, "StorageReady") == short(found, "Ready") == ("False", "DeletionStuck")


def test_of_one_reason_the_longer_words_are_told() -> None:
    inputs = a_snapshot(a_cosi_registry())
    found = told(inputs, bucket_claim=Blocked("CosiNotInstalled", "short"))

    assert "install the COSI CRDs" in found["StorageReady"].message


def test_who_only_waits_comes_after_who_met_trouble() -> None:
    found = told(
        serving(deployment=None, **QUIET),
        deployment=Blocked("WaitingForIdentity", "waits"),
        service_account=Stalled("ForeignObject", "in the way"),
    )

    assert short(found, "Ready") == ("False", "ForeignObject")
    assert short(found, "Stalled") == ("True", "ForeignObject")


def test_outcomes_are_told_in_the_same_order_after_a_restart() -> None:
    refused = {
        name: After(30, "Forbidden", name)
        for name in ("service_account", "deployment", "finalizer")
    }
    first = told(serving(), **refused)
    again = told(serving(), **dict(reversed(refused.items())))

    assert first == again


class TestPaused:
    """`spec.paused`."""

    def test_says_so_and_stays_ready_while_it_serves(self) -> None:
        found = told(
            serving(a_registry(paused=True)), deployment=Blocked("Paused", "held"), service=Done()
        )

        assert short(found, "Ready") == short(found, "Paused") == ("True", "Paused")
        assert "Reconciling" not in found
        assert "Stalled" not in found

    def test_is_not_ready_when_nothing_serves(self) -> None:
        found = told(
            serving(a_registry(paused=True), **QUIET), deployment=Blocked("Paused", "held")
        )

        assert short(found, "Ready") == ("False", "PodsStarting")
        assert short(found, "Paused") == ("True", "Paused")


def test_a_registry_on_its_way_out_says_what_it_waits_for() -> None:
    inputs = a_snapshot(deleting(a_registry()))
    found = told(inputs)
    assert {type_: short(found, type_) for type_ in found} == {
        "Ready": ("False", "Terminating"),
        "Reconciling": ("True", "Terminating"),
    }

    found = told(inputs, finalizer=Blocked("Terminating", "BucketAccess images is being deleted"))
    assert found["Ready"].message == "BucketAccess images is being deleted"


def test_a_specification_that_cannot_be_read_stalls() -> None:
    refusal = Stalled("SpecInvalid", "spec.replicas: not a number")
    found = told(replace(a_snapshot(), spec=None, refusal=refusal))

    assert short(found, "Stalled") == ("True", "SpecInvalid")
    assert short(found, "Ready") == ("False", "SpecInvalid")
    assert "spec.replicas" in found["ConfigurationValid"].message


def test_a_release_with_known_defects_is_told_without_stopping_anything() -> None:
    found = told(serving(a_registry(image="registry:2.8.3")))

    assert short(found, "Ready") == ("True", "Ready")
    assert "use 3.1.2" in found["ConfigurationValid"].message


def test_an_image_whose_tag_tells_nothing_is_rendered_for_any_release() -> None:
    image = "registry:latest"
    found = told(serving(a_registry(image=image), version_probes=(asked(image),)))

    assert found["ConfigurationValid"].message.startswith("rendered for any release, as the image")


def test_an_image_that_is_being_asked_leaves_open_whether_the_configuration_is_valid() -> None:
    found = told(serving(a_registry(image="registry:latest")))

    assert short(found, "ConfigurationValid") == ("Unknown", "ReleaseNotRead")


class TestReport:
    """The status beside its conditions."""

    def test_names_what_runs_and_where(self) -> None:
        registry = a_registry(storage=S3, service={"port": 80})
        found = report(serving(registry, credentials=KEYS), [], now=NOW)
        configuration = found.pop("configuration")

        assert configuration.startswith("images-config-")
        assert found == {
            "observedGeneration": 1,
            "conditions": [],
            "replicas": 1,
            "readyReplicas": 1,
            "selector": "app.kubernetes.io/name=registry,app.kubernetes.io/instance=images,"
            "app.kubernetes.io/component=registry",
            "endpoint": "images.team-a.svc:80",
            "image": "registry:3.1.2",
            "version": "3.1.2",
            "storage": {"kind": "s3", "bucket": "images", "endpoint": "http://s3.example.com:9000"},
        }

    def test_says_nothing_of_what_is_not_there(self) -> None:
        assert report(a_snapshot(a_registry(storage=None)), [], now=NOW).keys() == {
            "observedGeneration", "conditions", "replicas", "readyReplicas", "selector",
        }  # fmt: skip

    def test_keeps_telling_what_ran_until_the_roll_out_is_complete(self) -> None:
        before = {"image": "registry:2.8.3", "version": "2.8.3", "configuration": "old"}
        registry = a_registry(status=before | {"endpoint": "gone"})
        deployment = an_object(a_deployment(registry, status=ROLLING))
        found = report(serving(registry, deployment=deployment), [], now=NOW)

        assert before.items() <= found.items()
        assert found["endpoint"] == "images.team-a.svc:5000"

    @pytest.mark.parametrize(
        "inputs",
        [
            serving(deleting(a_registry())),
            replace(serving(), spec=None, refusal=Stalled("SpecInvalid", "x")),
        ],
    )
    def test_of_a_registry_that_goes_or_cannot_be_read_says_the_counts_only(
        self, inputs: RegistryInputs
    ) -> None:
        found = report(inputs, [], now=NOW)

        assert "endpoint" not in found
        assert found["replicas"] == 1


def test_endpoints_of_several_slices_are_added_up() -> None:
    registry = a_registry(storage=S3, replicas=3)
    slices: list[dict[str, Any]] = [
        an_endpoint_slice(registry, ready=(True, False)),
        {**an_endpoint_slice(registry), "endpoints": [{"addresses": ["fd00::1"]}]},
    ]
    found = told(serving(registry, credentials=KEYS, endpoint_slices=objects(*slices)))

    assert found["Available"].message == "2 pods serve, 3 wanted"
