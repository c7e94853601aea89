"""Prometheus figures of one service: calls, their time, and open sandboxes."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """Counts calls; `exposition` is what `/metrics` answers."""

    def __init__(self, service: str) -> None:
        self._registry = CollectorRegistry()
        self._service = service
        labels = ("service", "method", "route", "status")
        self._calls = Counter("lab_requests", "Calls answered", labels, registry=self._registry)
        self._seconds = Histogram(
            "lab_request_seconds", "Time to answer", ("service",), registry=self._registry, buckets=_BUCKETS
        ).labels(service)
        self.sandboxes = Gauge("lab_sandboxes", "Sandboxes kept", ("service",), registry=self._registry).labels(service)
        self._children: dict[tuple[str, str, int], Counter] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one call; status 0 is a connection closed without an answer."""
        key = (method, route, status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._calls.labels(self._service, method[:10], route, str(status))
        child.inc()
        self._seconds.observe(seconds)

    def exposition(self) -> bytes:
        """Give all figures in the text format."""
        return generate_latest(self._registry)
