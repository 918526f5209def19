"""The requests that have shown a fault. Every run sends them first."""

import json

from tests.fuzz.requests import Known, Request

_LOG = {"level": "info", "message": "m"}
_PROJECT_LOGS = "/api/v1/projects/{project_id}/logs"
_EVENT_LOGS = "/api/v1/events/{event_id:path}/logs"


def ingests(known: Known) -> list[Request]:
    """Requests to ingest routes."""
    error = {"event_id": "a\0b", "exception": {"type": "E", "value": "v"}, "trace_id": "t"}
    chunks = [_LOG | {"message": "x" * 400_000}] * 3
    return [
        # The service was copied into each of the rows: 1.8 GB in the writer.
        _post(known, "/ingest/logs", {"service": "s" * 850_000, "logs": [_LOG] * 1000}),
        _post(known, "/ingest/logs", {"service": "\0" * 120_000, "logs": [_LOG] * 1000}),
        _post(
            known, "/api/v1/logs/batch", {"release": "r" * 700_000, "environment": "\0é" * 9_000, "logs": [_LOG] * 100}
        ),
        # One message of several was too large: the others were stored, and the answer was 413.
        _post(known, "/ingest/logs", {"service": "s" * 300_000, "logs": [*chunks, _LOG]}),
        _post(known, "/ingest/logs", {"service": "s" * 500_000, "logs": [*chunks, _LOG]}),
        # Numbers that no double holds: echoed in a refusal, or stored without a check.
        _post(known, "/api/v1/logs/batch", b'{"logs":' + b"9" * 310 + b"}"),
        _post(known, "/api/v1/errors", b'{"message":{"a":[-' + b"9" * 310 + b"]}}"),
        _post(
            known,
            "/ingest/logs",
            b'{"logs":[{"level":"info","message":"m","metadata":{"a":1e400,"user":{"id":-1e999}}}]}',
        ),
        _post(
            known, "/api/v1/logs/batch", b'{"logs":[{"level":"info","message":"m","user":{"a":1e400,"id":"\\"1e400"}}]}'
        ),
        # Two events of one id, in one array: one row.
        _post(known, "/api/v1/errors", [error | {"event_id": "twice"}, error | {"event_id": "twice"}]),
        # An id that is not stored as it was sent.
        _post(known, "/api/v1/errors", error),
    ]


def reads(known: Known) -> list[Request]:
    """Requests to the read API, which find something when the others are stored."""
    logs = [
        "&".join(f"attr.a{n}=1" for n in range(51)),
        "&".join(f"attr.a{n}=1" for n in range(50)),
        f"attr.{'a.' * 60}=1",
        f"attr.a={'%27' * 15_000}&attr.b={'%5C' * 4_000}",
        "levels=" + "x," * 20_000,
        "include=" + "," * 20_000,
        "trace_id=%00&template=%5C%27&search=%25%5C",
    ]
    targets = [_PROJECT_LOGS.replace("{project_id}", known.project) + "?" + query for query in logs]
    read = [Request(_PROJECT_LOGS, "GET", target.encode(), _auth(known.read)) for target in targets]
    return [*read, Request(_EVENT_LOGS, "GET", b"/api/v1/events/a%00b/logs", _auth(known.read))]


def _post(known: Known, route: str, body: object) -> Request:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(route, "POST", route.encode(), _auth(known.ingest), text)


def _auth(key: str) -> list[tuple[bytes, bytes]]:
    return [(b"Authorization", b"Bearer " + key.encode())]
