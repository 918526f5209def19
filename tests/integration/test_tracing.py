"""Traces of Sluice's own work, through the queue (operating.md, "Traces of its own work")."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.integration.stack import running_stack, wait_until


class Collector:
    """What exporters sent: (service, span)."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        self.url = ""

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = next(
                each.value.string_value for each in resource.resource.attributes if each.key == "service.name"
            )
            self.spans += [(service, span) for scope in resource.scope_spans for span in scope.spans]


@contextmanager
def collector() -> Iterator[Collector]:
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.take(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        made.url = f"http://127.0.0.1:{server.server_port}"
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_request_is_followed_to_its_rows(tmp_path: Path) -> None:
    with collector() as seen:
        environment = {
            "SLUICE_TRACING_SAMPLE": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": seen.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        with running_stack(tmp_path / "var", environment=environment) as stack:
            bearer = {"Authorization": f"Bearer {stack.env['SLUICE_INGEST_KEY']}"}
            body = json.dumps({"logs": [{"level": "info", "message": "followed"}]}).encode()
            assert stack.request("POST", "/ingest/logs", body, bearer)[0] == 200
            assert stack.request("POST", "/ingest/logs", b"{}", bearer)[0] == 400
            wait_until(lambda: {"store", "insert"} <= {span.name for _, span in seen.spans}, 60, "the writer's spans")
            wait_until(lambda: len(seen.spans) == 5, 60, "all spans")
    found = {(service, span.name): span for service, span in seen.spans}
    stored = found["sluice-writer", "store"]
    request = next(span for _, span in seen.spans if span.span_id == stored.parent_span_id)
    publish, insert = found["sluice-gateway", "publish"], found["sluice-writer", "insert"]
    assert request.name == "POST /ingest/logs"
    assert publish.parent_span_id == request.span_id
    assert insert.parent_span_id == stored.span_id
    assert {span.trace_id for span in (request, publish, stored, insert)} == {request.trace_id}
    assert request.start_time_unix_nano <= publish.start_time_unix_nano
    assert publish.end_time_unix_nano <= request.end_time_unix_nano
    assert stored.start_time_unix_nano <= insert.start_time_unix_nano
    assert insert.end_time_unix_nano <= stored.end_time_unix_nano
    attributes = {each.key: each.value.string_value or each.value.int_value for each in stored.attributes}
    assert (attributes["topic"], attributes["rows"]) == ("logs", 1)
