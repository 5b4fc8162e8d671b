"""Every metric of the runtime, declared once, with its meaning.

In flow facts from the parts that know them; out flows text on `/metrics`. Names, labels and buckets
are those of controller-runtime, client-go and its workqueue, so that dashboards and alerts made for
them work unchanged; what they have no name for starts with `registry_operator_`. The registry is
handed in: two operators in one process (tests) do not share figures.

No label ever holds a key, a name or a namespace of an object, so the number of series does not grow
with the cluster. Reasons may come from a server, so they are counted by name up to a number.
Nothing is walked when the figures are read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_RECONCILE_SECONDS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8),
    *(0.9, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25),
    *(30, 40, 50, 60),
)
_QUEUE_SECONDS: Final = tuple(10.0**exponent for exponent in range(-8, 4))
_REQUEST_SECONDS: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
_LAG_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PRIORITIES: Final = (-100, 0, 100)
RESULTS: Final = ("error", "requeue_after", "requeue", "success")
# More reasons than our code and Kubernetes have together; what comes after these is one series.
_MOST_REASONS: Final = 100
OTHER_REASON: Final = "Other"


class RequestOutcome(Protocol):
    """What the transport tells of every try; `code` is the status or `<error>`."""

    @property
    def verb(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def retried(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class QueueMetrics:
    """The metrics of one workqueue, labels bound; `depth` by priority."""

    depth: dict[int, Gauge]
    adds: Counter
    retries: Counter
    queue_duration: Histogram
    work_duration: Histogram
    unfinished: Gauge
    longest: Gauge

    def watch(
        self,
        *,
        depth: Callable[[int], float],
        unfinished: Callable[[], float],
        longest: Callable[[], float],
    ) -> None:
        """Have the gauges computed when read, `depth` by priority: no timer, never stale."""
        for priority, gauge in self.depth.items():
            gauge.set_function(partial(depth, priority))
        self.unfinished.set_function(unfinished)
        self.longest.set_function(longest)


@dataclass(frozen=True, slots=True)
class ControllerMetrics:
    """The metrics of one controller, labels bound; `outcomes` by outcome and reason."""

    total: dict[str, Counter]
    errors: Counter
    terminal_errors: Counter
    panics: Counter
    timeouts: Counter
    workers: Gauge
    active: Gauge
    seconds: Histogram
    outcomes: Callable[[str, str], Counter]


class _Few:
    """Passes the first so many different words; the rest become one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def __call__(self, word: str) -> str:
        if word in self._known:
            return word
        if len(self._known) >= self._most:
            return OTHER_REASON
        self._known.add(word)
        return word


class Metrics:
    """All metrics on one registry. The fields are for the parts that count, by `.labels(...)`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._restart_reasons = _Few(_MOST_REASONS)
        # Looking labels up costs more than counting.
        self._of_request = cache(
            lambda code, verb, host: (
                self.client_requests.labels(code, verb, host),
                self.client_duration.labels(verb, host),
            )
        )
        self._declare_reconciles()
        self._declare_queues()
        self._declare_requests()
        self._declare_caches()
        self._declare_process()

    def controller(self, name: str) -> ControllerMetrics:
        """The metrics of one controller, all present from the start."""
        reasons = _Few(_MOST_REASONS)
        return ControllerMetrics(
            total={result: self.reconcile_total.labels(name, result) for result in RESULTS},
            errors=self.reconcile_errors.labels(name),
            terminal_errors=self.terminal_reconcile_errors.labels(name),
            panics=self.reconcile_panics.labels(name),
            timeouts=self.reconcile_timeouts.labels(name),
            workers=self.max_concurrent_reconciles.labels(name),
            active=self.active_workers.labels(name),
            seconds=self.reconcile_time.labels(name),
            outcomes=lru_cache(maxsize=256)(
                lambda outcome, reason: self.outcomes.labels(name, outcome, reasons(reason))
            ),
        )

    def queue(self, name: str) -> QueueMetrics:
        """The metrics of one workqueue; a queue bears its controller's name."""
        return QueueMetrics(
            depth={p: self.workqueue_depth.labels(name, name, str(p)) for p in _PRIORITIES},
            adds=self.workqueue_adds.labels(name, name),
            retries=self.workqueue_retries.labels(name, name),
            queue_duration=self.workqueue_queue_duration.labels(name, name),
            work_duration=self.workqueue_work_duration.labels(name, name),
            unfinished=self.workqueue_unfinished.labels(name, name),
            longest=self.workqueue_longest.labels(name, name),
        )

    def request(self, outcome: RequestOutcome) -> None:
        """Count one try of one request; the hook that the transport calls."""
        requests, duration = self._of_request(outcome.code, outcome.verb, outcome.host)
        requests.inc()
        duration.observe(outcome.seconds)
        if outcome.retried:
            self.client_retries.labels(outcome.code, outcome.verb, outcome.host).inc()

    def watch_restarted(self, kind: str, reason: str) -> None:
        """Count one watch or list that is begun anew."""
        self.watch_restarts.labels(kind, self._restart_reasons(reason)).inc()

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(name, meaning, labels, registry=self.registry)

    def _histogram(
        self, name: str, meaning: str, *labels: str, buckets: tuple[float, ...]
    ) -> Histogram:
        return Histogram(name, meaning, labels, buckets=buckets, registry=self.registry)

    def _declare_reconciles(self) -> None:
        prefix, label = "controller_runtime_", "controller"
        self.reconcile_total = self._counter(
            f"{prefix}reconcile_total", "Reconciles by result", label, "result"
        )
        self.reconcile_errors = self._counter(
            f"{prefix}reconcile_errors_total", "Reconciles that raised and are tried again", label
        )
        self.terminal_reconcile_errors = self._counter(
            f"{prefix}terminal_reconcile_errors_total", "Reconciles that ended Stalled", label
        )
        self.reconcile_panics = self._counter(
            f"{prefix}reconcile_panics_total", "Reconciles that raised what nobody foresaw", label
        )
        self.reconcile_timeouts = self._counter(
            f"{prefix}reconcile_timeouts_total", "Reconciles cut off by their time limit", label
        )
        self.max_concurrent_reconciles = self._gauge(
            f"{prefix}max_concurrent_reconciles", "Workers of the controller", label
        )
        self.active_workers = self._gauge(
            f"{prefix}active_workers", "Workers busy with a key", label
        )
        self.reconcile_time = self._histogram(
            f"{prefix}reconcile_time_seconds",
            "Seconds of one reconcile",
            label,
            buckets=_RECONCILE_SECONDS,
        )
        self.outcomes = self._counter(
            "registry_operator_reconcile_outcomes_total",
            "Reconciles by outcome (Done, After, Blocked, Stalled) and its reason",
            *(label, "outcome", "reason"),
        )

    def _declare_queues(self) -> None:
        labels = ("name", "controller")
        self.workqueue_depth = self._gauge(
            "workqueue_depth", "Keys ready and waiting", *labels, "priority"
        )
        self.workqueue_adds = self._counter(
            "workqueue_adds_total", "Keys that became ready", *labels
        )
        self.workqueue_retries = self._counter(
            "workqueue_retries_total", "Keys added with a delay", *labels
        )
        self.workqueue_queue_duration = self._histogram(
            "workqueue_queue_duration_seconds",
            "Seconds from ready to handed out",
            *labels,
            buckets=_QUEUE_SECONDS,
        )
        self.workqueue_work_duration = self._histogram(
            "workqueue_work_duration_seconds",
            "Seconds from handed out to done",
            *labels,
            buckets=_QUEUE_SECONDS,
        )
        self.workqueue_unfinished = self._gauge(
            "workqueue_unfinished_work_seconds", "Seconds of work in progress, summed", *labels
        )
        self.workqueue_longest = self._gauge(
            "workqueue_longest_running_processor_seconds", "Seconds of the longest run", *labels
        )

    def _declare_requests(self) -> None:
        self.client_requests = self._counter(
            "rest_client_requests_total",
            "Requests to the API server by status code",
            *("code", "method", "host"),
        )
        self.client_duration = self._histogram(
            "rest_client_request_duration_seconds",
            "Seconds of one request",
            *("verb", "host"),
            buckets=_REQUEST_SECONDS,
        )
        self.client_retries = self._counter(
            "rest_client_request_retries_total",
            "Requests that were tried again",
            *("code", "verb", "host"),
        )

    def _declare_caches(self) -> None:
        prefix = "registry_operator_"
        self.watch_restarts = self._counter(
            f"{prefix}watch_restarts_total", "Watches begun anew, by reason", "kind", "reason"
        )
        self.cached_objects = self._gauge(f"{prefix}cached_objects", "Objects in cache", "kind")
        self.cached_bytes = self._gauge(
            f"{prefix}cached_bytes", "Bytes of raw JSON in cache", "kind"
        )
        self.informer_synced = self._gauge(
            f"{prefix}informer_synced", "1 once the first list is in cache", "kind"
        )
        self.informer_sync_seconds = self._gauge(
            f"{prefix}informer_sync_seconds", "Seconds that the last full list took", "kind"
        )
        self.handler_errors = self._counter(
            f"{prefix}event_handler_errors_total", "Event handlers that raised", "kind"
        )

    def _declare_process(self) -> None:
        self.leader = self._gauge(
            "leader_election_master_status", "1 while this process holds the Lease", "name"
        )
        self.build_info = self._gauge(
            "registry_operator_build_info", "1, with the version that runs", "version"
        )
        self.loop_stalls = self._counter(
            "registry_operator_event_loop_stalls_total", "Times that the event loop stood still"
        )
        self.loop_lag = Histogram(
            "registry_operator_event_loop_lag_seconds",
            "Seconds that a due timer had to wait for the event loop",
            buckets=_LAG_SECONDS,
            registry=self.registry,
        )
        self.events_sent = self._counter(
            "registry_operator_events_total", "Events written to the API server", "type"
        )
        self.events_dropped = self._counter(
            "registry_operator_events_dropped_total", "Events given up, by reason", "reason"
        )
