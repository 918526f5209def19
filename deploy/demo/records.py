"""Records of all formats, and the requests that bring them (contracts.md)."""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

Kind = Literal["logs", "errors", "traces", "llm", "calls", "app logs", "app errors", "drain"]

SIGNALS: Mapping[Kind, tuple[str, ...]] = {
    "logs": ("logs",),
    "app logs": ("logs",),
    "drain": ("logs",),
    "errors": ("errors",),
    "app errors": ("errors",),
    "traces": ("traces",),
    "llm": ("llm",),
    "calls": ("traces", "llm"),
}
"""The tables in which a record of this kind is found."""

_PATHS: Mapping[Kind, str] = {
    "logs": "/ingest/logs",
    "errors": "/ingest/errors",
    "traces": "/ingest/traces",
    "llm": "/ingest/llm",
    "calls": "/v1/traces",
    "app logs": "/api/v1/logs/batch",
    "app errors": "/api/v1/errors",
    "drain": "/ingest/drain",
}
_TOGETHER: Mapping[Kind, int] = {"logs": 500, "calls": 500, "app logs": 100, "app errors": 100, "drain": 500}
"""Most records of one request; of the others each has its own."""

_encode = msgspec.json.encode


class Record(NamedTuple):
    """`body`: what the format asks for, without what stands in the frame of its request."""

    kind: Kind
    service: str
    environment: str
    release: str
    body: dict[str, Any]


class Keys(NamedTuple):
    """`drain_secret` signs what a drain delivers."""

    ingest: str
    public: str
    read: str
    drain_secret: str


class Sending(NamedTuple):
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    kind: Kind
    records: int


def sendings(records: Iterable[Record], keys: Keys) -> Iterator[Sending]:
    """The requests that bring these records: batches as large as clients make them."""
    frames: dict[tuple[Kind, str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        frames[record[:4]].append(record.body)
    for (kind, service, environment, release), bodies in frames.items():
        frame = {"environment": environment} | ({"release": release} if release else {})
        size = _TOGETHER.get(kind, 1)
        for start in range(0, len(bodies), size):
            yield _sending(kind, service, frame, bodies[start : start + size], keys)


def _sending(
    kind: Kind, service: str, frame: Mapping[str, str], bodies: Sequence[dict[str, Any]], keys: Keys
) -> Sending:
    body = _encode(_body(kind, service, frame, bodies, keys))
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"demo-{hashlib.sha256(body).hexdigest()[:32]}"}
    if not kind.startswith("app"):  # the app's SDK has its key in the body
        headers["Authorization"] = f"Bearer {keys.ingest}"
    if kind == "drain":
        headers["X-Vercel-Signature"] = hmac.digest(keys.drain_secret.encode(), body, hashlib.sha1).hex()
    return Sending(_PATHS[kind], headers, body, kind, len(bodies))


def _body(
    kind: Kind, service: str, frame: Mapping[str, str], bodies: Sequence[dict[str, Any]], keys: Keys
) -> dict[str, Any] | list[dict[str, Any]]:
    if kind == "drain":
        return list(bodies)
    if kind == "app errors":
        return [{"api_key": keys.public, **frame, **body} for body in bodies]
    if kind == "app logs":
        return {"api_key": keys.public, **frame, "logs": bodies}
    if kind == "calls":
        return _otlp_spans(service, frame, bodies)
    if kind == "logs":
        return {"service": service, **frame, "logs": bodies}
    return {"service": service, **frame, **bodies[0]}


def _otlp_spans(service: str, frame: Mapping[str, str], spans: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = {"environment": "deployment.environment.name", "release": "service.version"}
    resource = {"service.name": service, **{names[each]: value for each, value in frame.items()}}
    scopes = [{"scope": {"name": "shop.models"}, "spans": spans}]
    return {"resourceSpans": [{"resource": {"attributes": otlp_attributes(resource)}, "scopeSpans": scopes}]}


def otlp_attributes(given: Mapping[str, str | int | float]) -> list[dict[str, Any]]:
    """As OpenTelemetry writes them in JSON."""
    return [{"key": key, "value": _otlp_value(value)} for key, value in given.items()]


def _otlp_value(value: str | int | float) -> dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": value}
    return {"doubleValue": value} if isinstance(value, float) else {"intValue": str(value)}
