"""Counts and times for Prometheus, one registry a server."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from sherd.types import Timing

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
STAGES = ("decode", "encode", "index", "rerank", "catalogue")


class Metrics:
    """What a server tells of itself."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._stages = Histogram(
            "sherd_stage_seconds", "Time by stage", ["stage"], buckets=_SECONDS, registry=self.registry
        )
        self._requests = Histogram(
            "sherd_request_seconds", "Time by route and status", ["route", "status"], buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self._refused = Counter(
            "sherd_refused", "Requests refused before they were routed", ["code"], registry=self.registry
        )
        self._dropped = Counter("sherd_expired", "Work dropped because it came too late", registry=self.registry)
        self._gone = Counter("sherd_gone", "Requests whose client went before the answer", registry=self.registry)
        self._lag = Histogram(
            "sherd_loop_lag_seconds", "How late the event loop is", buckets=_SECONDS, registry=self.registry
        )
        self._batch = Histogram(
            "sherd_batch_texts", "Texts encoded at a time", buckets=(1, 2, 4, 8, 16, 32), registry=self.registry
        )
        self._texts = Counter(
            "sherd_texts", "Texts by whether their vectors were kept", ["kept"], registry=self.registry
        )
        self.running = Gauge("sherd_running", "Requests that are worked on", ["room"], registry=self.registry)
        self.waiting = Gauge("sherd_waiting", "Requests that wait", ["room"], registry=self.registry)
        self.encoding = Gauge("sherd_encoder_waiting", "Work that waits for the encoder", registry=self.registry)
        for stage in STAGES:
            self._stages.labels(stage)

    def answered(self, route: str, status: int, seconds: float) -> None:
        self._requests.labels(route, str(status)).observe(seconds)

    def refused(self, code: str) -> None:
        self._refused.labels(code).inc()

    def expired(self) -> None:
        self._dropped.inc()

    def gone(self) -> None:
        self._gone.inc()

    def lag(self, seconds: float) -> None:
        self._lag.observe(seconds)

    def batch(self, size: int) -> None:
        self._batch.observe(size)

    def texts(self, *, kept: int, new: int) -> None:
        self._texts.labels("yes").inc(kept)
        self._texts.labels("no").inc(new)

    def stage(self, name: str, seconds: float) -> None:
        self._stages.labels(name).observe(seconds)

    def searched(self, timing: Timing) -> None:
        """The stages of one search."""
        for stage in ("encode", "index", "rerank", "catalogue"):
            self.stage(stage, getattr(timing, stage) / 1e3)

    def text(self) -> bytes:
        """In the format of Prometheus."""
        return generate_latest(self.registry)
