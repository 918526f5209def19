"""OpenTelemetry's own SDK for Python, with its exporters over OTLP/HTTP, configured by the environment alone."""

import json
import os
import time
from collections.abc import Mapping
from typing import Any, ClassVar
from unittest.mock import patch

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.integration.otlp_told import Told
from tests.integration.stack import RunningStack

X_API_KEY, BEARER = "x-api-key={}", "authorization=Bearer%20{}"
"""How a key comes along."""

SCOPE = ("shop", "2.0.0")


def settings(stack: RunningStack, service: str, headers: str = X_API_KEY, **more: str) -> dict[str, str]:
    """The variables of a client (opentelemetry.md, "From a program"). `more`: further ones of the exporters."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": stack.env["SLUICE_URL"],
        "OTEL_EXPORTER_OTLP_HEADERS": headers.format(stack.env["SLUICE_INGEST_KEY"]),
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_SERVICE_NAME": service,
        "OTEL_RESOURCE_ATTRIBUTES": "service.version=1.4.2,deployment.environment.name=staging",
        **{f"OTEL_EXPORTER_OTLP_{name}": value for name, value in more.items()},
    }


class Sdk:
    """`tell` makes three spans, of which one fails, and a log record."""

    ATTRIBUTES: ClassVar = {
        "text": "with \u20ac and \U0001f600",
        "empty": "",
        "int": 2**53 + 1,
        "negative": -(2**63),
        "double": 0.1,
        "huge": 1e300,
        "yes": True,
        "no": False,
        "texts": ["a", "b"],
        "numbers": [1, 2],
        "user.id": "u1",
        "session.id": "s1",
    }
    NESTED: ClassVar = {"map": {"deep": {"er": [1, "two", {"three": 3}]}}, "nothing": None}
    """Only logs may have these."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        with patch.dict(os.environ, environment):
            self._resource = Resource.create()
            self._spans = TracerProvider(resource=self._resource, shutdown_on_exit=False)
            self._spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            self._logs = LoggerProvider(resource=self._resource, shutdown_on_exit=False)
            self._logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
        self._tracer = self._spans.get_tracer(*SCOPE)

    def tell(self) -> Told:
        """An account of what was told, when all of it was answered."""
        before = self._tracer.start_span("before")
        before.end()
        links = [trace.Link(before.get_span_context(), {"why": "retry"})]
        with self._tracer.start_as_current_span(
            "request", kind=trace.SpanKind.SERVER, attributes=self.ATTRIBUTES, links=links
        ) as request:
            query = self._fail()
            log = self._log(request)
        self._spans.shutdown()
        self._logs.shutdown()
        told = {"spans": [_span(span) for span in (before, query, request)], "logs": [log]}
        source = {"scope": dict(zip(("name", "version"), SCOPE, strict=True)), "resource": self._resource.attributes}
        plain: Told = json.loads(json.dumps({**source, **told}, default=dict))
        return plain

    def _fail(self) -> trace.Span:
        try:
            with self._tracer.start_as_current_span("query", kind=trace.SpanKind.CLIENT) as query:
                query.add_event("rows", {"n": 2, "of": ["orders", "users"]})
                raise ValueError("no such order")
        except ValueError:
            return query

    def _log(self, request: trace.Span) -> Told:
        attributes = {**self.ATTRIBUTES, **self.NESTED}
        record = LogRecord(
            timestamp=time.time_ns(),
            context=trace.set_span_in_context(request),
            severity_number=SeverityNumber.WARN2,
            body={"paid": True, "cents": [1999, 2.5]},
            event_name="order.paid",
            attributes={**attributes, "bytes": b"\x00\xff"},
        )
        self._logs.get_logger(*SCOPE).emit(record)
        return {
            "ns": record.timestamp,
            "severity_number": SeverityNumber.WARN2.value,
            "body": record.body,
            "event_name": record.event_name,
            "attributes": {**attributes, "bytes": "AP8="},  # base64 where JSON has to hold them
            **_ids(request.get_span_context()),
        }


def _span(span: Any) -> Told:
    assert isinstance(span, ReadableSpan)
    return {
        **_ids(span.context),
        "parent_span_id": trace.format_span_id(span.parent.span_id) if span.parent else "",
        "name": span.name,
        "kind": span.kind.name.lower(),
        "start_ns": span.start_time,
        "end_ns": span.end_time,
        "status": span.status.status_code.name.lower(),
        "status_message": span.status.description or "",
        "attributes": span.attributes,
        "events": [_event(event) for event in span.events],
        "links": [{**_ids(link.context), "attributes": link.attributes} for link in span.links],
    }


def _event(event: Event) -> Told:
    return {"name": event.name, "ns": event.timestamp, "attributes": event.attributes}


def _ids(context: trace.SpanContext) -> dict[str, str]:
    return {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}
