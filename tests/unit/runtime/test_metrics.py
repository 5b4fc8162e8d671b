"""Names that dashboards made for controller-runtime rely on (framework.md 1.14)."""

import pytest
from prometheus_client import CollectorRegistry

from registry_operator.kube.exchange import RequestOutcome
from registry_operator.runtime.metrics import OTHER_REASON, Metrics

CONTROLLER = ("controller",)
QUEUE = ("controller", "name")
# Every metric, its type and its labels. The first three groups are controller-runtime's own words.
TABLE: dict[str, tuple[str, tuple[str, ...]]] = {
    "controller_runtime_reconcile_total": ("counter", ("controller", "result")),
    "controller_runtime_reconcile_errors_total": ("counter", CONTROLLER),
    "controller_runtime_terminal_reconcile_errors_total": ("counter", CONTROLLER),
    "controller_runtime_reconcile_panics_total": ("counter", CONTROLLER),
    "controller_runtime_reconcile_timeouts_total": ("counter", CONTROLLER),
    "controller_runtime_max_concurrent_reconciles": ("gauge", CONTROLLER),
    "controller_runtime_active_workers": ("gauge", CONTROLLER),
    "controller_runtime_reconcile_time_seconds": ("histogram", CONTROLLER),
    "workqueue_depth": ("gauge", ("controller", "name", "priority")),
    "workqueue_adds_total": ("counter", QUEUE),
    "workqueue_retries_total": ("counter", QUEUE),
    "workqueue_queue_duration_seconds": ("histogram", QUEUE),
    "workqueue_work_duration_seconds": ("histogram", QUEUE),
    "workqueue_unfinished_work_seconds": ("gauge", QUEUE),
    "workqueue_longest_running_processor_seconds": ("gauge", QUEUE),
    "rest_client_requests_total": ("counter", ("code", "host", "method")),
    "rest_client_request_duration_seconds": ("histogram", ("host", "verb")),
    "rest_client_request_retries_total": ("counter", ("code", "host", "verb")),
    "leader_election_master_status": ("gauge", ("name",)),
    "registry_operator_reconcile_outcomes_total": (
        "counter",
        ("controller", "outcome", "reason"),
    ),
    "registry_operator_watch_restarts_total": ("counter", ("kind", "reason")),
    "registry_operator_cached_objects": ("gauge", ("kind",)),
    "registry_operator_cached_bytes": ("gauge", ("kind",)),
    "registry_operator_informer_synced": ("gauge", ("kind",)),
    "registry_operator_informer_sync_seconds": ("gauge", ("kind",)),
    "registry_operator_event_handler_errors_total": ("counter", ("kind",)),
    "registry_operator_event_loop_lag_seconds": ("histogram", ()),
    "registry_operator_event_loop_stalls_total": ("counter", ()),
    "registry_operator_events_total": ("counter", ("type",)),
    "registry_operator_events_dropped_total": ("counter", ("reason",)),
    "registry_operator_build_info": ("gauge", ("version",)),
}
BUCKETS = {
    "controller_runtime_reconcile_time_seconds": [
        *("0.005", "0.01", "0.025", "0.05", "0.1", "0.15", "0.2", "0.25", "0.3", "0.35", "0.4"),
        *("0.45", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0", "1.25", "1.5", "1.75", "2.0", "2.5"),
        *("3.0", "3.5", "4.0", "4.5", "5.0", "6.0", "7.0", "8.0", "9.0", "10.0", "15.0", "20.0"),
        *("25.0", "30.0", "40.0", "50.0", "60.0", "+Inf"),
    ],
    "workqueue_queue_duration_seconds": [
        *("1e-08", "1e-07", "1e-06", "1e-05", "0.0001", "0.001", "0.01", "0.1"),
        *("1.0", "10.0", "100.0", "1000.0", "+Inf"),
    ],
}
BUCKETS["workqueue_work_duration_seconds"] = BUCKETS["workqueue_queue_duration_seconds"]


def used() -> Metrics:
    """Metrics of which every one has been written to, so that all labels show."""
    metrics = Metrics(CollectorRegistry())
    controller = metrics.controller("images")
    controller.outcomes("Blocked", "WaitingForSecret").inc()
    metrics.queue("images")
    metrics.request(RequestOutcome("GET", "api:443", "429", seconds=0.1, retried=True))
    metrics.leader.labels("operator").set(1)
    metrics.watch_restarted("secrets", "Expired")
    for gauge in (
        metrics.cached_objects,
        metrics.cached_bytes,
        metrics.informer_synced,
        metrics.informer_sync_seconds,
    ):
        gauge.labels("secrets").set(1)
    metrics.handler_errors.labels("secrets").inc()
    metrics.events_sent.labels("Normal").inc()
    metrics.events_dropped.labels("forbidden").inc()
    metrics.build_info.labels("1.2.3").set(1)
    return metrics


def test_every_metric_has_the_name_type_and_labels_of_the_table() -> None:
    found = {}
    for family in used().registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        found[name] = (family.type, tuple(sorted(labels)))

    assert found == TABLE


@pytest.mark.parametrize("name", BUCKETS)
def test_the_buckets_are_those_of_controller_runtime(name: str) -> None:
    bounds = [
        sample.labels["le"]
        for family in used().registry.collect()
        for sample in family.samples
        if sample.name == f"{name}_bucket"
    ]

    assert bounds == BUCKETS[name]


def test_reasons_beyond_a_number_share_one_series() -> None:
    metrics = Metrics(CollectorRegistry())
    images = metrics.controller("images")
    for number in range(1000):
        metrics.watch_restarted("secrets", f"Strange{number}")
        images.outcomes("Blocked", f"Strange{number}").inc()
    metrics.watch_restarted("secrets", "Strange0")
    restarts = "registry_operator_watch_restarts_total"
    outcomes = "registry_operator_reconcile_outcomes_total"
    blocked = {"controller": "images", "outcome": "Blocked", "reason": OTHER_REASON}

    def series(name: str) -> int:
        families = metrics.registry.collect()
        return sum(sample.name == name for family in families for sample in family.samples)

    assert metrics.registry.get_sample_value(
        restarts, {"kind": "secrets", "reason": "Strange0"}
    ) == 2  # fmt: skip
    assert metrics.registry.get_sample_value(
        restarts, {"kind": "secrets", "reason": OTHER_REASON}
    ) == 900  # fmt: skip
    assert metrics.registry.get_sample_value(outcomes, blocked) == 900
    assert (series(restarts), series(outcomes)) == (101, 101)


def test_every_result_of_a_controller_is_there_from_the_start() -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.controller("images")

    for result in ("error", "requeue_after", "requeue", "success"):
        labels = {"controller": "images", "result": result}
        name = "controller_runtime_reconcile_total"
        assert metrics.registry.get_sample_value(name, labels) == 0


def test_two_operators_do_not_share_figures() -> None:
    one, two = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    one.watch_restarts.labels("secrets", "expired").inc()

    name, labels = (
        "registry_operator_watch_restarts_total",
        {"kind": "secrets", "reason": "expired"},
    )
    assert one.registry.get_sample_value(name, labels) == 1
    assert two.registry.get_sample_value(name, labels) is None


def test_requests_are_counted_by_code_verb_and_host() -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.request(
        RequestOutcome(verb="GET", host="api:443", code="200", seconds=0.2, retried=False)
    )
    metrics.request(
        RequestOutcome(verb="GET", host="api:443", code="429", seconds=0.1, retried=True)
    )

    def sample(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"rest_client_{name}", labels)

    assert sample("requests_total", code="200", method="GET", host="api:443") == 1
    assert sample("request_retries_total", code="429", verb="GET", host="api:443") == 1
    assert sample("request_retries_total", code="200", verb="GET", host="api:443") is None
    assert sample("request_duration_seconds_sum", verb="GET", host="api:443") is not None
