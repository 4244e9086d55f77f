"""Metrics for Prometheus: what the server does, counted; of one application, in a registry of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from fastapi import FastAPI
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

import eventsieve
from eventsieve.api.describing import PATHS as DESCRIPTIONS
from eventsieve.api.health import Readiness
from eventsieve.api.paths import ROUTE
from eventsieve.api.v2.problems import PREFIX
from eventsieve.api.v2.quick import QUICK_ROUTE
from eventsieve.records import ModelSpec, Outcome, State
from eventsieve.service.vitals import Vitals
from eventsieve.training.chronicle import Chronicle

__all__ = ["RECEIVED", "Metrics", "Seen", "add_metrics"]

RECEIVED: Final = "eventsieve.received"
"""In the scope: how many bytes of the request's body have come, in a list of one."""


UNMATCHED: Final = "(none)"
"""The route of every request that fits no route: paths are anybody's text."""
_PAGES: Final = frozenset(("/metrics", *DESCRIPTIONS, *(PREFIX + path for path in DESCRIPTIONS)))
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_SLOW: Final = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)


class Seen(NamedTuple):
    """One answered request."""

    status: int
    seconds: float
    received: int
    """Bytes of its body."""
    sent: int
    """Bytes of the answer's body."""
    upload: bool
    """Whether its body was no JSON: files."""


class _Kept(NamedTuple):
    """The metrics of requests of one kind, which are looked up once."""

    requests: Counter
    seconds: Histogram
    received: Counter
    sent: Counter
    uploaded: Counter


class Metrics:
    """What is counted of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        take: dict[str, Any] = {"registry": self.registry}
        kind = ("api", "route", "method")
        self._requests = Counter("eventsieve_requests", "Answered requests.", (*kind, "status"), **take)
        self._seconds = Histogram(
            "eventsieve_request_seconds", "Time until a request was answered.", kind, buckets=_FAST, **take
        )
        self.in_flight = 0
        """Requests that are being answered; the event loop's own, so a number will do."""
        flying = Gauge("eventsieve_requests_in_flight", "Requests that are being answered.", **take)
        flying.set_function(lambda: self.in_flight)
        self._received = Counter("eventsieve_received_bytes", "Bytes of the requests' bodies.", kind, **take)
        self._sent = Counter("eventsieve_sent_bytes", "Bytes of the answers' bodies.", kind, **take)
        self._uploaded = Counter("eventsieve_uploaded_bytes", "Bytes of bodies that were files.", ("api",), **take)
        self._quick = Counter(
            "eventsieve_quick_predictions", "Predictions that were answered by a model that was ready.", **take
        )
        self._trainings = Counter(
            "eventsieve_trainings", "Trainings that have ended here.", ("type", "outcome"), **take
        )
        self._training_seconds = Histogram(
            "eventsieve_training_seconds", "Time that trainings took.", ("type",), buckets=_SLOW, **take
        )
        self._jobs = Counter("eventsieve_jobs", "Jobs that have ended here.", ("outcome",), **take)
        self.lost_deeds = Counter(
            "eventsieve_audit_failures", "Changes that could not be written into the audit trail.", **take
        )
        build = Gauge("eventsieve_build_info", "The version that runs; always 1.", ("version", "python"), **take)
        build.labels(eventsieve.__version__, sys.version.partition(" ")[0]).set(1)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._kept: dict[tuple[str, str, str, int], _Kept] = {}

    def count(self, scope: Scope, outer: object, seen: Seen) -> None:
        """Count an answered request.

        Args:
            scope: of the request, as the application has left it.
            outer: the application that it came to first.
            seen: what was seen of it.
        """
        key = (*_place(scope, outer), seen.status)
        kept = self._kept.get(key) or self._look_up(key)
        kept.requests.inc()
        kept.seconds.observe(seen.seconds)
        if seen.received:
            kept.received.inc(seen.received)
            if seen.upload:
                kept.uploaded.inc(seen.received)
        kept.sent.inc(seen.sent)
        if scope.get(ROUTE) == QUICK_ROUTE:
            self._quick.inc()

    def follow(self, chronicle: Chronicle) -> None:
        """Count the trainings that end from now on."""
        chronicle.training_ended = self.training_ended
        chronicle.job_ended = self.job_ended

    def training_ended(self, spec: ModelSpec, outcome: Outcome) -> None:
        """Count a training."""
        self._trainings.labels(spec.type, outcome.state.value).inc()
        if outcome.seconds:
            self._training_seconds.labels(spec.type).observe(outcome.seconds)

    def job_ended(self, states: Sequence[State]) -> None:
        """Count a job by the states of its models."""
        self._jobs.labels(_outcome(states)).inc()

    def watch(self, vitals: Callable[[], Vitals], faults: Callable[[], Mapping[str, str]]) -> None:
        """Tell of a service too, whenever the metrics are asked for.

        Args:
            vitals: of the service.
            faults: what was found to be wrong when it was last looked whether the server is ready, by its name.
        """
        self.registry.register(_Service(vitals, faults))

    def text(self, accept: str) -> tuple[bytes, str]:
        """All metrics, and the media type that they are written in: of those in ``accept`` that Prometheus reads."""
        encode, media_type = choose_encoder(accept)
        return encode(_Lean(self.registry)), media_type

    def _look_up(self, key: tuple[str, str, str, int]) -> _Kept:
        *kind, status = key
        kept = _Kept(
            self._requests.labels(*kind, status),
            self._seconds.labels(*kind),
            self._received.labels(*kind),
            self._sent.labels(*kind),
            self._uploaded.labels(kind[0]),
        )
        return self._kept.setdefault(key, kept)


class _Lean(Collector):
    """Metrics without when each began to be counted, which is as much again and which nobody asks for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """As Prometheus' client has it."""
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


class _Service(Collector):
    """What a service says of itself when it is asked."""

    def __init__(self, vitals: Callable[[], Vitals], faults: Callable[[], Mapping[str, str]]) -> None:
        self._vitals = vitals
        self._faults = faults

    def describe(self) -> list[Metric]:
        """Nothing: to be registered must ask nobody."""
        return []

    def collect(self) -> Iterator[Metric]:
        """As Prometheus' client has it."""
        pulse = self._vitals().pulse()
        slots = GaugeMetricFamily("eventsieve_slots", "Training slots, by what they do.", labels=["state"])
        for state, number in {"all": pulse.slots, "running": pulse.running, "free": pulse.free}.items():
            slots.add_metric([state], number)
        yield slots
        yield GaugeMetricFamily("eventsieve_queue_length", "Trainings that wait for a slot.", pulse.waiting)
        lookups = CounterMetricFamily(
            "eventsieve_model_cache_lookups", "How often a model was needed, by whether it was there.", labels=["found"]
        )
        lookups.add_metric(["hit"], pulse.hits)
        lookups.add_metric(["miss"], pulse.misses)
        yield lookups
        yield GaugeMetricFamily("eventsieve_models_in_memory", "Models in the cache.", pulse.cached)
        yield GaugeMetricFamily("eventsieve_models_ready", "Names under which models answer at once.", pulse.ready)
        checks = GaugeMetricFamily("eventsieve_ready", "1 where /readyz finds nothing wrong.", labels=["check"])
        for name, fault in self._faults().items():
            checks.add_metric([name], not fault)
        yield checks
        with suppress(OSError):  # then `eventsieve_ready` says so
            yield from self._disk()

    def _disk(self) -> Iterator[Metric]:
        free, total = self._vitals().room()
        yield GaugeMetricFamily("eventsieve_disk_free_bytes", "Bytes that are free on the store's disk.", free)
        yield GaugeMetricFamily("eventsieve_disk_bytes", "Bytes that the store's disk has.", total)
        sizes = GaugeMetricFamily(
            "eventsieve_store_bytes", "Bytes on this machine's disk, by folder of the store.", labels=["kind"]
        )
        for kind, size in self._vitals().usage().items():
            sizes.add_metric([kind], size)
        yield sizes


def add_metrics(app: FastAPI, metrics: Metrics, readiness: Readiness) -> None:
    """Let an application tell its metrics at ``/metrics``; who may read it is up to those who stand before it."""
    metrics.watch(lambda: app.state.service.vitals, lambda: readiness.faults)

    async def tell(request: Request) -> Response:
        await readiness.look()
        text, media_type = await run_in_threadpool(metrics.text, request.headers.get("accept", ""))
        return Response(text, media_type=media_type)

    app.add_route("/metrics", tell, methods=["GET"], include_in_schema=False)


def _place(scope: Scope, outer: object) -> tuple[str, str, str]:
    """The interface, route and method of a request; of each there are only so many as there are routes."""
    method = scope["method"] if scope["method"] in _METHODS else "other"
    native = scope.get("app") is not outer
    template = scope.get(ROUTE) or getattr(scope.get("route"), "path_format", None)
    if template is None:  # what has no parameters may be a page of ours, which is no endpoint
        template = scope["path"] if scope["path"] in _PAGES else UNMATCHED
    elif native:
        template = PREFIX + template
    return _interface(template, native=native), template, method


def _interface(template: str, *, native: bool) -> str:
    if native or template.startswith(PREFIX):
        return "v2"
    return "v1" if template == "/" or template.startswith("/api/") else "server"


def _outcome(states: Sequence[State]) -> str:
    trained = states.count(State.TRAINED)
    if trained:
        return "trained" if trained == len(states) else "partly trained"
    one = set(states)
    return one.pop().value if len(one) == 1 else "failed"
