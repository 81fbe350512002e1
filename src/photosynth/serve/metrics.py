"""Metrics: what the server counts, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics:
    """One server's counters.

    Args:
        inside: tells how many requests are being answered or wait.
        held_bytes: tells how many bytes of uploads are in memory.
        swaps: tells how often a model was replaced.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(
        self, inside: Callable[[], float], held_bytes: Callable[[], float], swaps: Callable[[], float]
    ) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = Counter(
            "photosynth_requests", "Requests answered.", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "photosynth_request_seconds",
            "From the request's headers to the end of the answer.",
            ("route",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self.picture_seconds = Histogram(
            "photosynth_picture_seconds",
            "Decoding one picture and asking the model, without waiting.",
            ("model",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self.verdicts = Counter(
            "photosynth_verdicts", "Classifications by verdict.", ("model", "verdict"), registry=self._registry
        )
        self.objects = Counter("photosynth_objects", "Objects detected.", ("model",), registry=self._registry)
        self.corrections = Counter("photosynth_corrections", "Corrections kept.", registry=self._registry)
        for name, text, function in (
            ("photosynth_requests_inside", "Requests being answered or waiting.", inside),
            ("photosynth_upload_bytes", "Bytes of uploads in memory.", held_bytes),
            ("photosynth_model_swaps", "How often a model was replaced.", swaps),
        ):
            Gauge(name, text, registry=self._registry).set_function(function)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)
