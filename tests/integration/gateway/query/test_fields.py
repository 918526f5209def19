"""The fields of each signal find their rows, in real tables (reading.md, "The query language")."""

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.query.errors.fields import LANGUAGE as ERRORS
from gateway.query.language import Language, condition
from gateway.query.llm.fields import LANGUAGE as LLM
from gateway.query.logs.fields import LANGUAGE as LOGS
from gateway.query.traces.fields import LANGUAGE as TRACES
from shared.signals.base import Table
from shared.signals.errors import SIGNAL as ERRORS_SIGNAL
from shared.signals.llm import SIGNAL as LLM_SIGNAL
from shared.signals.logs import LOGS as LOGS_TABLE
from shared.signals.traces import SIGNAL as TRACES_SIGNAL
from tests.integration.gateway.query.read_api import Store

A = "a@b.example"
HEX = {letter: letter * 64 for letter in "abc"}

Rows = list[Mapping[str, Any]]

ERROR_ROWS: Rows = [
    {"type": "TypeError", "error_message": "Cannot read id", "severity": "high", "handled": 1, "fingerprint": HEX["a"]},
    {
        "type": "KeyError",
        "error_message": "id",
        "severity": "low",
        "fingerprint": HEX["b"],
        "user_email": A,
    },
    {"type": "ValueError", "error_message": "50% off", "severity": "critical", "fingerprint": HEX["c"], "user_id": "7"},
]
SPAN_ROWS: Rows = [
    {"operation": "GET /a", "status": "ok", "duration_ms": 90, "attributes": '{"db":{"rows":12}}', "kind": "server"},
    {
        "operation": "SELECT",
        "status": "error",
        "duration_ms": 1500,
        "parent_span_id": "s1",
        "span_id": "s2",
        "kind": "client",
        "scope_name": "db",
    },
    {
        "operation": "GET /b",
        "status": "ok",
        "duration_ms": 120_000,
        "service": "api",
        "environment": "prod",
        "user_id": "7",
        "session_id": "e",
        "format": "otlp.traces",
    },
]
CALL_ROWS: Rows = [
    {
        "model": "small-1",
        "provider": "one",
        "cost_usd": 0.02,
        "latency_ms": 300,
        "input_tokens": 60,
        "output_tokens": 50,
    },
    {
        "model": "large-1",
        "provider": "one",
        "cost_usd": 0.5,
        "latency_ms": 2500,
        "input_tokens": 900,
        "output_tokens": 1,
    },
    {"model": "large-2", "provider": "two", "operation": "embedding", "input_tokens": 5, "status": "error"},
]
LOG_ROWS: Rows = [
    {"message": "Card declined", "level": "warn", "request_id": "r1", "file_path": "src/pay.py"},
    {"message": "paid", "account_id": "acme", "user_id": A, "template": "paid", "span_id": "s1"},
    {
        "message": "up",
        "level": "debug",
        "function_name": "start",
        "format": "deeptracer",
        "user_email": A,
        "event_name": "boot",
    },
]

SIGNALS: dict[str, tuple[Language, Table, Rows]] = {
    "errors": (ERRORS, ERRORS_SIGNAL.table, ERROR_ROWS),
    "traces": (TRACES, TRACES_SIGNAL.table, SPAN_ROWS),
    "llm": (LLM, LLM_SIGNAL.table, CALL_ROWS),
    "logs": (LOGS, LOGS_TABLE, LOG_ROWS),
}

CASES: list[tuple[str, str, set[int]]] = [
    ("errors", "type:TypeError", {0}),
    ("errors", "type:*Error -type:Type*", {1, 2}),
    ("errors", "TypeError: cannot", {0}),
    ("errors", '"50%"', {2}),
    ("errors", "message:id", {1}),
    ("errors", "severity:>=high", {0, 2}),
    ("errors", "severity:[low TO high]", {0, 1}),
    ("errors", "handled:yes", {0}),
    ("errors", "handled:no user:*", {1, 2}),
    ("errors", "user:(7 OR a@b.example)", {1, 2}),
    ("errors", f"fingerprint:{HEX['a']}", {0, 2}),
    ("errors", f"-fingerprint:({HEX['a']} OR {HEX['b']})", set()),
    ("errors", f"fingerprint:{HEX['c']}", {2}),
    ("errors", "fingerprint:aa*", {0}),
    ("traces", "operation:GET*", {0, 2}),
    ("traces", "get", {0, 2}),
    ("traces", "status:error", {1}),
    ("traces", "duration:>100ms", {1, 2}),
    ("traces", "duration:1.5s", {1}),
    ("traces", "duration:[90 TO 1.5s]", {0, 1}),
    ("traces", "duration:>=2m", {2}),
    ("traces", "kind:server", {0}),
    ("traces", "kind:* scope:db", {1}),
    ("traces", "user:7 session:e format:otlp.*", {2}),
    ("traces", "root:yes", {0, 2}),
    ("traces", "root:no span:s2", {1}),
    ("traces", "env:prod service:api", {2}),
    ("traces", "attr.db.rows:>10", {0}),
    ("llm", "model:large-* provider:one", {1}),
    ("llm", "large", {1, 2}),
    ("llm", "cost:>0.1", {1}),
    ("llm", "-cost:* tokens:>0", {2}),
    ("llm", "latency:>2s", {1}),
    ("llm", "tokens:>=110", {0, 1}),
    ("llm", "tokens:(5 OR 110)", {0, 2}),
    ("llm", "operation:embedding status:error", {2}),
    ("logs", "level:>=info card", {0}),
    ("logs", "request:r1 file:src/*", {0}),
    ("logs", "account:acme template:paid span:s1", {1}),
    ("logs", "user:a@b.example", {1, 2}),
    ("logs", "email:a@b.example function:start format:deeptracer", {2}),
    ("logs", "event:boot", {2}),
    ("logs", "-user:*", {0}),
    ("logs", "message:paid", {1}),
]


@pytest.fixture(scope="module")
def filled(tables: Store) -> Store:
    store = tables.empty()
    for _, table, rows in SIGNALS.values():
        store.add(table, [{**row, "_partition": n} for n, row in enumerate(rows)])
    return store


def members(fingerprint: str) -> list[str]:
    """`c` was merged into `a`."""
    return [HEX["a"], HEX["c"]] if fingerprint == HEX["a"] else [fingerprint]


@pytest.mark.parametrize(("signal", "query", "right"), CASES)
def test_a_field_finds_its_rows(filled: Store, signal: str, query: str, right: set[int]) -> None:
    language, table, _ = SIGNALS[signal]
    parsed = language.parse(query)
    assert parsed.told == ()
    asked = condition(parsed.tree, language.fields, members)
    found = filled.clickhouse.query(f"SELECT _partition FROM {table.name} WHERE {asked.sql}", asked.values)
    assert {n for (n,) in found} == right
