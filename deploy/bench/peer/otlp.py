"""Entries as the body of an OTLP request, in protobuf: what an SDK sends to the Collector, which puts the same on
Kafka."""

from collections.abc import Iterable, Mapping

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

from deploy.bench.peer.entries import ENVIRONMENT, RELEASE, Entry

CONTENT_TYPE = "application/x-protobuf"


def body(entries: Iterable[Entry]) -> bytes:
    """An ExportLogsServiceRequest with one resource and one scope."""
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.extend(
        _attributes({"deployment.environment.name": ENVIRONMENT, "service.version": RELEASE})
    )
    resource_logs.scope_logs.add().log_records.extend(map(_record, entries))
    encoded: bytes = request.SerializeToString()
    return encoded


def _record(entry: Entry) -> LogRecord:
    attributes: dict[str, str | int] = {
        **entry.attributes,
        "template": entry.template,
        "logger.name": entry.logger_name,
        "code.file.path": entry.file_path,
        "code.line.number": entry.line_number,
        "code.function.name": entry.function_name,
        **{f"user.{key}": value for key, value in entry.user.items()},
        **{f"account.{key}": value for key, value in entry.account.items()},
    }
    return LogRecord(
        time_unix_nano=round(entry.timestamp * 1000) * 1_000_000,
        severity_number=SeverityNumber.Value(f"SEVERITY_NUMBER_{entry.level.upper()}"),
        severity_text=entry.level,
        body=AnyValue(string_value=entry.message),
        attributes=_attributes(attributes),
        trace_id=_id(entry.trace_id, 16),
        span_id=_id(entry.span_id, 8),
    )


def _attributes(values: Mapping[str, str | int]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: str | int) -> AnyValue:
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)


def _id(text: str, size: int) -> bytes:
    """An id is bytes in OTLP. Those of the API's example are no hex digits: their text is cut or filled up."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode()[:size].ljust(size, b"\0")
