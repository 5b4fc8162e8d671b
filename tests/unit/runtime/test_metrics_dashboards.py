"""Dashboards and alerts that others made for controller-runtime find what they ask for.

The expressions below are ours; they use each metric and label that the Grafana dashboards of
kubebuilder's scaffold and the usual alerts for operators use. What Prometheus adds to every series
of a target (`job`, `namespace`, `pod`, `instance`) is not ours to serve.
"""

import re

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from registry_operator.kube.exchange import RequestOutcome
from registry_operator.runtime.metrics import Metrics

ADDED_BY_PROMETHEUS = {"job", "namespace", "pod", "instance"}
TARGET = 'job="$job", namespace="$namespace"'
EXPRESSIONS = [
    f"controller_runtime_active_workers{{{TARGET}}}",
    f"controller_runtime_max_concurrent_reconciles{{{TARGET}}}",
    (
        "sum by (controller) (controller_runtime_active_workers)"
        " / sum by (controller) (controller_runtime_max_concurrent_reconciles)"
    ),
    f"sum(rate(controller_runtime_reconcile_errors_total{{{TARGET}}}[5m])) by (instance, pod)",
    f"sum(rate(controller_runtime_reconcile_total{{{TARGET}}}[5m])) by (controller, result)",
    'rate(controller_runtime_reconcile_total{controller=~".+",result="error"}[5m]) > 0',
    "sum by (controller) (increase(controller_runtime_terminal_reconcile_errors_total[1h]))",
    "increase(controller_runtime_reconcile_panics_total[15m]) > 0",
    "increase(controller_runtime_reconcile_timeouts_total[15m]) > 0",
    (
        "histogram_quantile(0.99, sum by (controller, le)"
        " (rate(controller_runtime_reconcile_time_seconds_bucket[5m])))"
    ),
    (
        "rate(controller_runtime_reconcile_time_seconds_sum[5m])"
        " / rate(controller_runtime_reconcile_time_seconds_count[5m])"
    ),
    f"workqueue_depth{{{TARGET}}}",
    'sum by (name) (workqueue_depth{controller="images", priority="0"})',
    f"sum(rate(workqueue_adds_total{{{TARGET}}}[2m])) by (instance, name)",
    f"sum(rate(workqueue_retries_total{{{TARGET}}}[5m])) by (instance, name)",
    f"rate(workqueue_unfinished_work_seconds{{{TARGET}}}[5m])",
    'max by (name) (workqueue_longest_running_processor_seconds{name!=""}) > 60',
    (
        "histogram_quantile(0.90, sum(rate("
        f"workqueue_queue_duration_seconds_bucket{{{TARGET}}}[5m])) by (instance, name, le))"
    ),
    (
        "histogram_quantile(0.90, sum(rate("
        f"workqueue_work_duration_seconds_bucket{{{TARGET}}}[5m])) by (instance, name, le))"
    ),
    'sum by (method, code) (rate(rest_client_requests_total{code!~"2.."}[5m]))',
    "sum by (host) (rate(rest_client_requests_total[5m]))",
    (
        "histogram_quantile(0.99, sum by (verb, host, le)"
        " (rate(rest_client_request_duration_seconds_bucket[5m])))"
    ),
    "sum by (verb) (rate(rest_client_request_retries_total[5m]))",
    "sum by (name) (leader_election_master_status) != 1",
    'rate(process_cpu_seconds_total{job="$job", pod="$pod"}[5m]) * 100',
    f"process_resident_memory_bytes{{{TARGET}}}",
    "time() - process_start_time_seconds",
    "process_open_fds / process_max_fds",
]
NAME = re.compile(
    r"\b((?:controller_runtime|workqueue|rest_client|leader_election|process)_[a-z_]+)"
    r"(?:\{([^}]*)\})?"
)
GROUPED = re.compile(r"\bby \(([^)]*)\)")


def exposed() -> dict[str, set[str]]:
    """Label names by the name of each series that we serve."""
    metrics = Metrics(CollectorRegistry())
    metrics.controller("images")
    metrics.queue("images")
    metrics.request(RequestOutcome("GET", "api:443", "200", seconds=0.1, retried=True))
    metrics.leader.labels("operator").set(1)
    ProcessCollector(registry=metrics.registry)
    series: dict[str, set[str]] = {}
    for line in generate_latest(metrics.registry).decode().splitlines():
        if not line.startswith("#"):
            name, _, rest = line.rpartition(" ")[0].partition("{")
            series.setdefault(name, set()).update(re.findall(r'([a-z_]+)="', rest))
    return series


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_finds_every_metric_and_label_that_it_names(expression: str) -> None:
    there = exposed()
    named = NAME.findall(expression)
    grouped = {label for labels in GROUPED.findall(expression) for label in labels.split(", ")}

    assert named
    for name, selector in named:
        selected = set(re.findall(r"([a-z_]+)(?:=~|!~|!=|=)", selector))
        assert name in there
        assert (selected | grouped) - ADDED_BY_PROMETHEUS <= there[name]
