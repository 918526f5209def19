"""The logs of the bench as OTLP, and spans with the same ids and attributes, in both encodings."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from deploy.bench import logs
from deploy.bench.logs import ENVIRONMENT, RELEASE, SERVICE
from shared.formats.otlp.schema import FULL, Message

Signal = Literal["logs", "traces"]
_Json = dict[str, Any]

_SEVERITIES: Mapping[str, int] = {"debug": 5, "info": 9, "warn": 13, "error": 17}
_RESOURCE = {"service.name": SERVICE, "deployment.environment.name": ENVIRONMENT, "service.version": RELEASE}
_SCOPE = "my-app.http"


class Case(NamedTuple):
    """One wire contract: its route, the Content-Type, and what makes the body of a JSON array of logs."""

    path: str
    media_type: str
    body: Callable[[bytes], bytes]


def of_logs(array: bytes) -> _Json:
    return _request("logs", map(_log, msgspec.json.decode(array)))


def of_spans(array: bytes) -> _Json:
    return _request("traces", map(_span, msgspec.json.decode(array)))


def in_json(request: _Json) -> bytes:
    return msgspec.json.encode(request)


def in_protobuf(request: _Json) -> bytes:
    signal: Signal = "logs" if "resourceLogs" in request else "traces"
    whole, record = ("Logs", _put_log) if signal == "logs" else ("Traces", _put_span)
    names = _NAMES[signal]
    made = FULL[whole]()
    for sent in request[names.resources]:
        resource = made.resources.add()
        _put_attributes(resource.resource.attributes, sent["resource"]["attributes"])
        for scope in sent[names.scopes]:
            put = resource.scopes.add()
            put.scope.name = scope["scope"]["name"].encode()
            for each in scope[names.records]:
                record(put.records.add(), each)
    encoded: bytes = made.SerializeToString()
    return encoded


PLAIN = "logs, DeepTracer JSON"
"""What the others are compared with."""
CASES: Mapping[str, Case] = {
    PLAIN: Case("/ingest/logs", "application/json", logs.body_of),
    "logs, protobuf": Case("/v1/logs", "application/x-protobuf", lambda array: in_protobuf(of_logs(array))),
    "logs, JSON": Case("/v1/logs", "application/json", lambda array: in_json(of_logs(array))),
    "spans, protobuf": Case("/v1/traces", "application/x-protobuf", lambda array: in_protobuf(of_spans(array))),
    "spans, JSON": Case("/v1/traces", "application/json", lambda array: in_json(of_spans(array))),
}


class _Names(NamedTuple):
    resources: str
    scopes: str
    records: str


_NAMES: Mapping[Signal, _Names] = {
    "logs": _Names("resourceLogs", "scopeLogs", "logRecords"),
    "traces": _Names("resourceSpans", "scopeSpans", "spans"),
}


def _request(signal: Signal, records: Iterable[_Json]) -> _Json:
    names = _NAMES[signal]
    scope = {"scope": {"name": _SCOPE}, names.records: list(records)}
    return {names.resources: [{"resource": {"attributes": _attributes(_RESOURCE)}, names.scopes: [scope]}]}


def _log(log: _Json) -> _Json:
    at = str(_nanoseconds(log["timestamp"]))
    return {
        "timeUnixNano": at,
        "observedTimeUnixNano": at,
        "severityNumber": _SEVERITIES[log["level"]],
        "severityText": log["level"].upper(),
        "body": {"stringValue": log["message"]},
        "attributes": _attributes(log["metadata"]),
        "traceId": log["trace_id"],
        "spanId": log["span_id"],
    }


def _span(log: _Json) -> _Json:
    start = _nanoseconds(log["timestamp"])
    return {
        "traceId": log["trace_id"],
        "spanId": log["span_id"],
        "name": log["context"],
        "kind": 2,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + int(log["metadata"]["duration_ms"] * 1_000_000)),
        "attributes": _attributes(log["metadata"]),
        "status": {"code": 2} if log["level"] == "error" else {},
    }


def _nanoseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000) * 1_000_000


def _attributes(values: Mapping[str, Any]) -> list[_Json]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: str | float | bool) -> _Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}


def _put_log(put: Message | Any, log: _Json) -> None:
    put.time_unix_nano = int(log["timeUnixNano"])
    put.observed_time_unix_nano = int(log["observedTimeUnixNano"])
    put.severity_number = log["severityNumber"]
    put.severity_text = log["severityText"].encode()
    put.body.string_value = log["body"]["stringValue"].encode()
    _put_common(put, log)


def _put_span(put: Message | Any, span: _Json) -> None:
    put.name = span["name"].encode()
    put.kind = span["kind"]
    put.start_time_unix_nano = int(span["startTimeUnixNano"])
    put.end_time_unix_nano = int(span["endTimeUnixNano"])
    put.status.code = span["status"].get("code", 0)
    _put_common(put, span)


def _put_common(put: Message | Any, record: _Json) -> None:
    put.trace_id, put.span_id = bytes.fromhex(record["traceId"]), bytes.fromhex(record["spanId"])
    _put_attributes(put.attributes, record["attributes"])


def _put_attributes(put: Any, attributes: Iterable[_Json]) -> None:
    for each in attributes:
        value = put.add(key=each["key"].encode()).value
        ((kind, sent),) = each["value"].items()
        if kind == "stringValue":
            value.string_value = sent.encode()
        elif kind == "intValue":
            value.int_value = int(sent)
        elif kind == "boolValue":
            value.bool_value = sent
        else:
            value.double_value = sent
