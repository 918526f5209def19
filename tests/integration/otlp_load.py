"""SDKs of OpenTelemetry that send while something is away, and remember how each of their requests was answered."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import requests
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from shared.formats.otlp.schema import FULL
from tests.integration.stack import RunningStack, wait_until

PACE_S = 0.005
PATIENCE_S = 30.0
"""What an exporter gives a batch, tries included: more than its 10 s, so that none is given up."""

Row = dict[str, Any]


class Attempts(requests.Session):
    """The connections of one exporter: body -> the status of each of its tries, in order, 0 for no answer."""

    def __init__(self) -> None:
        super().__init__()
        self.of_body: dict[bytes, list[int]] = defaultdict(list)

    def request(self, *args: Any, **named: Any) -> requests.Response:
        tries = self.of_body[named["data"]]
        try:
            response = super().request(*args, **named)
        except requests.RequestException:
            tries.append(0)
            raise
        tries.append(response.status_code)
        return response

    @property
    def accepted(self) -> int:
        """Requests that were answered 200."""
        return sum(200 in tries for tries in list(self.of_body.values()))

    @property
    def failed(self) -> int:
        """Tries that were not."""
        return sum(status != 200 for tries in list(self.of_body.values()) for status in tries)


class Client:
    """One SDK with its two exporters. In a `with` it emits a log and a span every `PACE_S`; at its end all of them were
    answered or given up."""

    repeats = True

    def __init__(self, stack: RunningStack, service: str, number: int) -> None:
        url, key = stack.env["SLUICE_URL"], stack.env["SLUICE_INGEST_KEY"]
        self.attempts = {"logs": Attempts(), "spans": Attempts()}
        self._number = number
        self._ended = threading.Event()
        resource = Resource({"service.name": service})
        usual = {"headers": {"x-api-key": key}, "timeout": PATIENCE_S}
        logs: Any = OTLPLogExporter(f"{url}/v1/logs", session=self.attempts["logs"], **usual)  # type: ignore[call-overload]
        spans = OTLPSpanExporter(f"{url}/v1/traces", session=self.attempts["spans"], **usual)  # type: ignore[call-overload]
        self._logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._logs.add_log_record_processor(BatchLogRecordProcessor(logs, 100, 20))
        self._spans = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._spans.add_span_processor(BatchSpanProcessor(spans, 4_096, 100, 20))
        self._thread = threading.Thread(target=self._emit)

    def __enter__(self) -> "Client":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()
        self._logs.shutdown()
        self._spans.shutdown()

    def _emit(self) -> None:
        logger, tracer = self._logs.get_logger("load"), self._spans.get_tracer("load")
        n = 0
        while not self._ended.wait(PACE_S):
            attributes = {"client": self._number, "n": n, "text": f"{n} \u20ac"}
            tracer.start_span("step", kind=trace.SpanKind.CONSUMER, attributes=attributes).end()
            severity = SeverityNumber(1 + n % 24)
            record = LogRecord(severity_number=severity, body=f"log {n}", event_name="tick", attributes=attributes)
            logger.emit(record)
            n += 1

    def sent(self, table: str) -> Iterator[tuple[Row, list[int]]]:
        """Each record as its row should be, and how the request that held it was answered."""
        for body, tries in self.attempts[table].of_body.items():
            for resource in FULL["Logs" if table == "logs" else "Traces"].FromString(body).resources:
                for scope in resource.scopes:
                    for record in scope.records:
                        yield _row_of(record, table), tries


class Sender(Protocol):
    """An SDK with its exporters."""

    repeats: bool
    """Whether it sends again what was not accepted."""

    def sent(self, table: str) -> Iterator[tuple[Row, list[int]]]: ...


def assert_stored(stack: RunningStack, clients: Sequence[Sender], service: str) -> None:
    """Every record is stored, field by field. One whose request was answered 200 at the first try is one row. One that
    was sent again has at least one row and at most as many as tries: a try that ended in 503 or without an answer may
    have been stored. So may what was never sent again."""
    for table in ("logs", "spans"):
        sent = [pair for client in clients for pair in client.sent(table)]
        given_up = [
            tries for client in clients if client.repeats for _, tries in client.sent(table) if 200 not in tries
        ]
        assert given_up == []
        accepted = {_as_key(row) for row, tries in sent if 200 in tries}
        _wait_for(stack, table, service, {row["attributes"] for row, tries in sent if 200 in tries})
        columns = ", ".join(name for name in sent[0][0] if name != "at_us")
        at = "toUnixTimestamp64Micro(timestamp) AS at_us"
        found = Counter(map(_as_key, stack.rows(f"SELECT {columns}, {at} FROM {table} WHERE service = '{service}'")))
        assert accepted <= set(found) <= {_as_key(row) for row, _ in sent}
        wrong = [(row, tries) for row, tries in sent if found[_as_key(row)] > len(tries)]
        assert wrong == []


def _wait_for(stack: RunningStack, table: str, service: str, attributes: set[str]) -> None:
    sql = f"SELECT DISTINCT attributes FROM {table} WHERE service = '{service}'"
    wait_until(lambda: attributes <= {row["attributes"] for row in stack.rows(sql)}, 60, f"all {table} stored")


def _as_key(row: Row) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(row.items()))


def row_of_log(n: int) -> Row:
    """What each client emits as its `n`-th log."""
    number = 1 + n % 24
    level = ("trace", "debug", "info", "warn", "error", "fatal")[(number - 1) // 4]
    return {"message": f"log {n}", "level": level, "severity_number": number, "event_name": "tick"}


def row_of_span(took_ns: int) -> Row:
    return {"operation": "step", "kind": "consumer", "duration_us": took_ns // 1000, "status": "unset"}


def _row_of(record: Any, table: str) -> Row:
    if table == "logs":
        made = row_of_log(record.attributes[1].value.int_value)
        assert record.body.string_value.decode() == made["message"]
        return _common(record, record.time_unix_nano or record.observed_time_unix_nano) | made
    start = record.start_time_unix_nano
    return _common(record, start) | row_of_span(record.end_time_unix_nano - start)


def _common(record: Any, at_ns: int) -> Row:
    client, n, text = (each.value for each in record.attributes)
    return {
        "at_us": at_ns // 1000,
        "trace_id": record.trace_id.hex(),
        "span_id": record.span_id.hex(),
        "attributes": f'{{"client":{client.int_value},"n":{n.int_value},"text":"{text.string_value.decode()}"}}',
    }
