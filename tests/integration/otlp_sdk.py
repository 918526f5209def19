"""OpenTelemetry's own SDK for Python, with its exporters over OTLP/HTTP."""

from typing import ClassVar

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


class Sdk:
    """Sends three spans, of which one fails, and a log record."""

    SERVICE = "sdk-of-python"
    ATTRIBUTES: ClassVar = {
        "text": "with \u20ac",
        "int": 2**53 + 1,
        "double": 0.1,
        "yes": True,
        "list": ["a", "b"],
        "user.id": "u1",
        "session.id": "s1",
    }

    def __init__(self, url: str, key: str) -> None:
        resource = Resource({"service.name": self.SERVICE, "service.version": "1.2.3"})
        headers = {"x-api-key": key}
        self._spans = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces", headers=headers)))
        self._logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(f"{url}/v1/logs", headers=headers)))

    def send(self) -> None:
        """Returns when all of it was answered."""
        tracer = self._spans.get_tracer("shop")
        before = tracer.start_span("before")
        before.end()
        links = [trace.Link(before.get_span_context())]
        with tracer.start_as_current_span(
            "request", kind=trace.SpanKind.SERVER, attributes=self.ATTRIBUTES, links=links
        ) as request:
            self._fail(tracer)
            context = trace.set_span_in_context(request)
            self._logs.get_logger("shop").emit(
                LogRecord(
                    context=context,
                    severity_number=SeverityNumber.WARN2,
                    body="paid",
                    event_name="order.paid",
                    attributes=self.ATTRIBUTES,
                )
            )
        self._spans.shutdown()
        self._logs.shutdown()

    def _fail(self, tracer: trace.Tracer) -> None:
        try:
            with tracer.start_as_current_span("query", kind=trace.SpanKind.CLIENT):
                raise ValueError("no such order")
        except ValueError:
            pass
