"""Traces of Sluice's own work, of some requests: request, publish, store, insert (operating.md, "Traces of its own
work")."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from time import time_ns
from typing import TYPE_CHECKING

from shared.settings import BadSetting, Settings
from shared.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

Attributes = Mapping[str, str | int]

_SPANS_KEPT = 2_048
"""That wait to be sent; more are left out."""


class Tracer:
    """`chosen` decides of each request whether it is traced; what belongs to it follows through the queue by the
    `traceparent` in its stamp. Spans are sent by a thread; where they go being away costs nothing but the spans."""

    def __init__(self, process: str, sample: float, exporter: SpanExporter | None = None) -> None:
        """`process`: gateway or writer. Raises `BadSetting` where the extra is not installed."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as error:
            raise BadSetting(f"SLUICE_TRACING_SAMPLE needs more: pip install 'sluice[otel]' ({error})") from error
        resource = Resource.create({"service.name": f"sluice-{process}", "service.version": VERSION})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        processor = BatchSpanProcessor(exporter or OTLPSpanExporter(), max_queue_size=_SPANS_KEPT)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("sluice", VERSION)
        self._propagator = TraceContextTextMapPropagator()
        self._sample = sample
        self._request: ContextVar[tuple[Span, str] | None] = ContextVar("sluice_request", default=None)

    @property
    def chosen(self) -> bool:
        return random.random() < self._sample  # noqa: S311 - a sample

    @contextmanager
    def request(self, name: str) -> Iterator[None]:
        """The span of a request; what is published within belongs to it."""
        span = self._tracer.start_span(name)
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, self._within(span))
        token = self._request.set((span, carrier["traceparent"]))
        try:
            yield
        finally:
            self._request.reset(token)
            span.end()

    @property
    def traceparent(self) -> str:
        """Of the request that is under way here; empty where it is not traced."""
        request = self._request.get()
        return request[1] if request else ""

    def published(self, took_s: float) -> None:
        """The span of handing over to the queue, acknowledged just now."""
        if (request := self._request.get()) is not None:
            began = time_ns() - int(took_s * 1e9)
            self._tracer.start_span("publish", self._within(request[0]), start_time=began).end()

    def stored(self, traceparent: str, received_us: int, inserted_ns: tuple[int, int], attributes: Attributes) -> None:
        """The spans of a message whose rows have been stored, just now. `received_us`: by the gateway; `inserted_ns`:
        when its insert began and ended. All since the epoch."""
        parent = self._propagator.extract({"traceparent": traceparent})
        store = self._tracer.start_span("store", parent, start_time=received_us * 1000, attributes=attributes)
        began, ended = inserted_ns
        if began:
            self._tracer.start_span("insert", self._within(store), start_time=began).end(ended)
        store.end()

    def close(self) -> None:
        """Send what waits, for a few seconds at most. Blocks."""
        self._provider.shutdown()

    def _within(self, span: Span) -> Context:
        from opentelemetry.trace import set_span_in_context

        return set_span_in_context(span)


def tracer_of(settings: Settings, process: str) -> Tracer | None:
    """None where nothing is traced. Raises `BadSetting`."""
    sample = settings.tracing.sample
    return Tracer(process, sample) if sample else None
