"""Names that dashboards made for controller-runtime rely on (framework.md 1.14)."""

from prometheus_client import CollectorRegistry, generate_latest

from registry_operator.kube.exchange import RequestOutcome
from registry_operator.runtime.metrics import Metrics

FAMILIES = {
    "controller_runtime_reconcile_total",
    "controller_runtime_reconcile_errors_total",
    "controller_runtime_terminal_reconcile_errors_total",
    "controller_runtime_reconcile_panics_total",
    "controller_runtime_reconcile_timeouts_total",
    "controller_runtime_max_concurrent_reconciles",
    "controller_runtime_active_workers",
    "controller_runtime_reconcile_time_seconds",
    "workqueue_depth",
    "workqueue_adds_total",
    "workqueue_retries_total",
    "workqueue_queue_duration_seconds",
    "workqueue_work_duration_seconds",
    "workqueue_unfinished_work_seconds",
    "workqueue_longest_running_processor_seconds",
    "rest_client_requests_total",
    "rest_client_request_duration_seconds",
    "rest_client_request_retries_total",
    "leader_election_master_status",
}


def test_the_names_are_those_of_controller_runtime() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    text = generate_latest(registry).decode()
    declared = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}

    assert declared >= FAMILIES
    assert all(name.startswith("registry_operator_") for name in declared - FAMILIES)


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


def test_the_queue_buckets_are_client_gos() -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.queue("images")
    text = generate_latest(metrics.registry).decode()
    bounds = [
        line.split('le="')[1].split('"')[0]
        for line in text.splitlines()
        if line.startswith("workqueue_queue_duration_seconds_bucket")
    ]

    assert bounds == [
        *("1e-08", "1e-07", "1e-06", "1e-05", "0.0001", "0.001", "0.01", "0.1"),
        *("1.0", "10.0", "100.0", "1000.0", "+Inf"),
    ]


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
