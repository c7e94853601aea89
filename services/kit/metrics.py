"""Prometheus figures of one service, as `/metrics` of each replica shows them.

No label is without a bound, and none names a sandbox, a client or a record.

`lab_requests_total {service, interface, method, route, status, fault}`
    Calls answered, by the replica that the caller reached. `interface` is the integration path, the first part of the
    route: `v1` for the agency's clean API, `oauth2` for tokens, otherwise the name of a dialect such as `dukcapil`;
    `-` where no route was met. `route` is the template, such as `/v1/residents/{nik}`. `status` is the HTTP status,
    `0` where the connection was closed without an answer. `fault` is the kind of trouble that the lab was told to
    show in this call, empty in calls without: planned trouble is no error of the lab.
    Share of successful calls: `status=~"[1-4].."` without 429 over all, of `fault=""`.
`lab_request_seconds {service}`
    Histogram of the time from the request's head to the answer's last byte.
`lab_sandboxes {service}`
    Sandboxes that the service keeps; replicas share a store and all say the same: take the maximum.
`lab_sandboxes_open {service}`
    Sandboxes whose state this replica has in memory: add them up.
`lab_passed_on_total {service, outcome}`
    Calls that this replica passed on to a sandbox's home: `answered`, `repeated` (the home was another one by then, or
    did not answer) and `lost` (closed without an answer, because what became of the call cannot be told).
`lab_store_up {service}`
    1 where the store answers, 0 where it does not.
`process_*`
    What Prometheus' own client tells of a process: memory, processor time, open files (Linux only).
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_MOST_FIGURES = 2000
"""Routes, methods, statuses and faults there are, multiplied out, and more: a mistake here may not fill the memory."""


class Metrics:
    """Counts calls; `exposition` is what `/metrics` answers."""

    def __init__(self, service: str) -> None:
        self._registry = CollectorRegistry()
        self._service = service
        labels = ("service", "interface", "method", "route", "status", "fault")
        self._calls = Counter("lab_requests", "Calls answered", labels, registry=self._registry)
        self._seconds = Histogram(
            "lab_request_seconds", "Time to answer", ("service",), registry=self._registry, buckets=_BUCKETS
        ).labels(service)
        self.sandboxes = self._gauge("lab_sandboxes", "Sandboxes kept")
        self.open_sandboxes = self._gauge("lab_sandboxes_open", "Sandboxes in this replica's memory")
        self.store_up = self._gauge("lab_store_up", "Whether the store answers")
        passed_on = Counter(
            "lab_passed_on", "Calls passed on to another replica", ("service", "outcome"), registry=self._registry
        )
        self._passed_on = {outcome: passed_on.labels(service, outcome) for outcome in ("answered", "repeated", "lost")}
        ProcessCollector(registry=self._registry)
        self._children: dict[tuple[str, str, int, str], Counter] = {}

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, ("service",), registry=self._registry).labels(self._service)

    def count(self, method: str, route: str, status: int, fault: str, seconds: float) -> None:
        """Count one call.

        Args:
            route: its template; `-` where none was met.
            status: 0 for a connection closed without an answer.
            fault: kind of the fault that struck it, or the empty string.
            seconds: how long it took.
        """
        key = (method, route, status, fault)
        child = self._children.get(key)
        if child is None:
            child = self._child(method if method in _METHODS else "OTHER", route, status, fault)
            if len(self._children) < _MOST_FIGURES:
                self._children[key] = child
        child.inc()
        self._seconds.observe(seconds)

    def _child(self, method: str, route: str, status: int, fault: str) -> Counter:
        interface = route.strip("/").partition("/")[0] or "-"
        return self._calls.labels(self._service, interface, method, route, str(status), fault)

    def passed_on(self, outcome: str) -> None:
        """Count one call that was passed on: `answered`, `repeated` or `lost`."""
        self._passed_on[outcome].inc()

    def exposition(self) -> bytes:
        """Give all figures in the text format."""
        return generate_latest(self._registry)
