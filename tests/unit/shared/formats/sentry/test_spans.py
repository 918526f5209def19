"""Transactions and spans -> rows of spans (sentry-rows.md, "Spans")."""

import json
from typing import Any

import msgspec
import pytest

from shared.formats.intake import Laborious
from shared.formats.sentry import llm
from shared.formats.sentry.span_rows import judge
from tests.unit.shared.formats.sentry.table import RECEIVED, rows_in, rows_of

IDS = {"trace_id": "ab" * 16, "span_id": "cd" * 8}
TIMES = {"start_timestamp": 1795643182.5, "timestamp": 1795643182.5015}
CHILD = IDS | TIMES
TRANSACTION = TIMES | {
    "type": "transaction",
    "transaction": "GET /",
    "contexts": {"trace": IDS | {"op": "http.server"}},
}
VERSION_2 = IDS | {"name": "GET /", "start_timestamp": 1795643182.5, "end_timestamp": 1795643182.5015}


def span_of(sent: Any, fmt: str = "sentry.spans") -> dict[str, Any]:
    (row,) = rows_of(fmt, [sent])
    return row


@pytest.mark.parametrize("sent", [CHILD, TRANSACTION, VERSION_2])
def test_each_shape_has_ids_start_and_duration(sent: dict[str, Any]) -> None:
    row = span_of(sent)
    assert {name: row[name] for name in IDS} == IDS
    assert (row["timestamp"], row["duration_us"], row["duration_ms"]) == (1_795_643_182_500_000, 1_500, 2)
    assert (row["environment"], row["links"], row["attributes"]) == ("production", b"", b"")


@pytest.mark.parametrize(
    ("op", "kind"),
    [
        *(("http.server", "server"), ("websocket.server", "server"), ("http.client", "client")),
        *(("db", "client"), ("db.sql.query", "client"), ("cache.get", "client"), ("rpc", "client")),
        *(("gen_ai.chat", "client"), ("queue.publish", "producer"), ("queue.process", "consumer")),
        *(("task", "internal"), ("ui.click", "internal"), ("", "internal")),
    ],
)
def test_kinds(op: str, kind: str) -> None:
    version_2 = VERSION_2 | {"attributes": {"sentry.op": {"value": op, "type": "string"}}}
    transaction = TRANSACTION | {"contexts": {"trace": IDS | {"op": op}}}
    assert [span_of(sent)["kind"] for sent in (CHILD | {"op": op}, version_2, transaction)] == [kind] * 3


@pytest.mark.parametrize(
    ("word", "status", "kept"),
    [
        *(("ok", "ok", False), ("error", "error", False), ("internal_error", "error", True)),
        *(("cancelled", "unset", True), ("unknown", "unset", True), (5, "unset", True), (None, "unset", False)),
    ],
)
def test_statuses(word: Any, status: str, kept: bool) -> None:
    for sent in (CHILD | {"status": word}, TRANSACTION | {"contexts": {"trace": IDS | {"status": word}}}):
        row = span_of(sent)
        assert (row["status"], row["extra"].get("status")) == (status, word if kept else None)


def test_a_childs_operation_is_its_op_and_its_description_stays_apart() -> None:
    row = span_of(
        CHILD | {"op": "db", "description": "SELECT 1", "data": {"n": 1}, "origin": "auto", "tags": {"a": "b"}}
    )
    assert (row["operation"], row["description"], row["attributes"]) == ("db", "SELECT 1", b'{"n": 1}')
    assert row["extra"] == {"op": "db", "origin": "auto", "tags": {"a": "b"}}
    assert span_of(CHILD)["operation"] == "default"


def test_what_is_left_of_a_transaction_is_kept() -> None:
    left = {
        "tags": {"a": "b"},
        "measurements": {"lcp": 1},
        "server_name": "host-1",
        "user": {"id": 7},
        "sdk": {"name": "s"},
    }
    trace = IDS | {"op": "task", "origin": "manual", "data": {"n": 1}, "parent_span_id": None}
    contexts = {"trace": trace, "os": {"name": "Debian"}}
    row = span_of(TRANSACTION | left | {"contexts": contexts, "release": "1.2"}, "sentry.transactions")
    assert row["extra"] == {
        "op": "task",
        "origin": "manual",
        "event": left | {"contexts": {"os": {"name": "Debian"}}},
    }
    assert (row["user_id"], row["scope_name"], row["release"]) == ("7", "s", "1.2")
    assert json.loads(row["attributes"]) == {"n": 1}
    assert span_of(TIMES | {"contexts": {"trace": IDS}})["operation"] == "<unlabeled transaction>"


def test_attributes_of_version_2_are_flattened_byte_for_byte() -> None:
    sent = (
        b'[{"trace_id":"%b","span_id":"%b","name":"n","start_timestamp":1,"end_timestamp":2,"links":[{"span_id":"x"}],'
        b'"attributes":{"a":{"value":1.50,"type":"double","unit":"ms"},"b":{"value":[1, 2]},"c":7,'
        b'"d":{"type":"string"},"e":{"n":1}}}]' % (b"ab" * 16, b"cd" * 8)
    )
    (row,) = rows_in("sentry.spans", sent)
    assert row["attributes"] == b'{"a":1.50,"b":[1, 2],"c":7,"d":null,"e":{"n":1}}'
    assert row["extra"] == {"units": {"a": "ms"}}
    assert row["links"] == b'[{"span_id":"x"}]'


def test_a_span_that_ends_before_it_starts_took_no_time() -> None:
    row = span_of(CHILD | {"timestamp": 1795643182})
    assert (row["duration_us"], row["extra"]) == (0, {"end_time": 1795643182})
    assert span_of(IDS | {"start_timestamp": 1795643182})["duration_us"] == 0


def test_a_start_from_a_wrong_clock_is_kept_beside_the_time_of_receipt() -> None:
    row = span_of(CHILD | {"start_timestamp": 9e9, "timestamp": 9e9 + 1})
    assert (row["timestamp"], row["duration_us"], row["extra"]) == (RECEIVED, 1_000_000, {"timestamp": 9e9})


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (5, "not_an_object"),
        ({}, "not_an_object"),
        (CHILD, ""),
        (TRANSACTION, ""),
        (VERSION_2, ""),
        (CHILD | {"trace_id": "ab"}, "invalid_id"),
        (CHILD | {"span_id": "0" * 16}, "invalid_id"),
        (TRANSACTION | {"contexts": {}}, "invalid_id"),
        (TRANSACTION | {"contexts": None}, "invalid_id"),
        (CHILD | {"start_timestamp": "soon"}, "missing_start_time"),
        (VERSION_2 | {"name": ""}, "missing_name"),
        (VERSION_2 | {"name": 5}, "missing_name"),
    ],
)
def test_what_a_span_needs(sent: Any, fault: str) -> None:
    assert judge(msgspec.Raw(json.dumps(sent).encode())) == fault


def test_calls_to_models_are_found_in_every_shape_without_their_words() -> None:
    said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.request.messages": "secret"}
    said |= {"gen_ai.response.tool_calls": "secret", "gen_ai.embeddings.input": "secret"}
    said |= {"gen_ai.cost.total_tokens": 0.25, "gen_ai.input.messages": "secret", "gen_ai.usage.output_tokens": "3"}
    version_2 = VERSION_2 | {"attributes": {name: {"value": value} for name, value in said.items()}}
    agent = CHILD | {"data": said | {"gen_ai.operation.name": "invoke_agent"}}
    sent = [TRANSACTION, CHILD | {"data": said | {"gen_ai.operation.name": "responses"}}, agent, version_2]
    derived = llm.derive(json.dumps(sent).encode())
    found = rows_in("sentry.llm", derived.payload)
    assert (derived.n, len(found)) == (2, 2)
    for row in found:
        assert (row["model"], row["cost_usd"], row["output_tokens"], row["latency_ms"]) == ("m", 0.25, 3, 2)
        assert b"secret" not in row["attributes"]


def test_many_attributes_of_calls_are_not_looked_into_where_time_is_short() -> None:
    said = {"gen_ai.operation.name": "chat"} | {f"a{n}": n for n in range(200)}
    payload = json.dumps([CHILD | {"data": said}], separators=(",", ":")).encode()
    with pytest.raises(Laborious):
        llm.derive(payload, 200)
    assert llm.derive(payload, 210).n == 1
    assert llm.derive(json.dumps([CHILD | {"data": {f"a{n}": n for n in range(999)}}]).encode(), 200).n == 0
