"""The kinds of requests that the load sends, and where a record's id is in its row."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Shape:
    """`body` makes a request's body from the ids of its records; `id_of` is the SQL for the id in a row of `table`.

    `share` is this shape's part of the load's records, over all of its `connections`.
    """

    name: str
    route: str
    table: str
    body: Callable[[Sequence[str]], Any]
    id_of: str = "trace_id"
    per_request: int = 1
    share: float = 0.015
    connections: int = 1
    big_every: int = 0
    """One in so many requests is big: 1,000 records, which become several messages. 0: none."""

    def size(self, turn: int) -> int:
        """The number of records in a connection's request number `turn`."""
        return BIG if self.big_every and turn % self.big_every == self.big_every - 1 else self.per_request


BIG = 1_000
_PADDING = "x" * 1_500

_STACK = "Error: out of stock\n    at reserve (/srv/shop/stock.js:10:5)\n    at order (/srv/shop/order.js:4:9)"


def _logs(ids: Sequence[str]) -> Any:
    padding = _PADDING if len(ids) == BIG else ""
    return {
        "service": "shop",
        "logs": [{"level": "info", "message": f"order taken {padding}", "trace_id": each} for each in ids],
    }


def _proliferate_logs(ids: Sequence[str]) -> Any:
    logs = [{"level": "warning", "message": "slow", "template": "slow", "trace_id": each} for each in ids]
    return {"environment": "test", "logs": logs}


def _error(ids: Sequence[str]) -> Any:
    return {"service": "shop", "error_message": "out of stock", "stack_trace": _STACK, "trace_id": ids[0]}


def _proliferate_errors(ids: Sequence[str]) -> Any:
    thrown = {"type": "KeyError", "message": "sku", "stacktrace": []}
    return [{"type": "exception", "exception": thrown, "level": "error", "trace_id": each} for each in ids]


def _span(ids: Sequence[str]) -> Any:
    return {
        "trace_id": ids[0],
        "span_id": "1",
        "operation": "GET /stock",
        "start_time": "2026-02-23T00:00:00Z",
        "duration_ms": 12.5,
    }


def _call(ids: Sequence[str]) -> Any:
    numbers = {"input_tokens": 10, "output_tokens": 5, "latency_ms": 80, "cost_usd": 0.01}
    return {"model": "m", "provider": "p", "operation": "chat", **numbers, "metadata": {"id": ids[0]}}


def _drain(ids: Sequence[str]) -> Any:
    return [
        {"id": str(n), "message": "GET /", "timestamp": 1_771_804_800_000, "traceId": each, "source": "lambda"}
        for n, each in enumerate(ids)
    ]


SHAPES = (
    Shape("logs", "/ingest/logs", "logs", _logs, per_request=25, share=0.7, connections=4, big_every=100),
    Shape("plogs", "/api/v1/logs/batch", "logs", _proliferate_logs, per_request=10, share=0.12),
    Shape("drain", "/ingest/drain", "logs", _drain, per_request=10, share=0.12),
    Shape("errors", "/ingest/errors", "errors", _error),
    Shape("perrors", "/api/v1/errors", "errors", _proliferate_errors, per_request=3),
    Shape("traces", "/ingest/traces", "spans", _span),
    Shape("llm", "/ingest/llm", "llm_calls", _call, id_of="JSONExtractString(attributes, 'id')"),
)


def encoded(shape: Shape, ids: Sequence[str]) -> bytes:
    """The request's body."""
    return json.dumps(shape.body(ids)).encode()
