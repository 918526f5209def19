"""What follows from logs and spans of OTLP (contracts.md, "Exceptions", "Calls to models")."""

import json
from typing import Any

import pytest

from gateway import apis
from gateway.assembly import assemble
from gateway.ingest import outcome_of
from gateway.publisher import cut, stamp_of
from gateway.validation.checks import Checks
from gateway.validation.derived import MANY_MARKS, MANY_PIECES
from gateway.validation.parts import Part
from gateway.validation.sizes import Heavy
from shared import settings
from shared.envelope import Stamp, unseal
from shared.fingerprint import CURRENT, fingerprint
from shared.fingerprint.rules import NO_RULES
from shared.formats.base import Rows
from shared.formats.otlp import errors, logs, traces
from shared.formats.otlp.codec import MOST_GROUPS
from shared.formats.otlp.schema import FULL
from shared.keys import ResolvedKey
from shared.registry import load
from shared.settings import BadSetting
from tests.unit.shared.formats.otlp.fixtures import body, codec_of
from writer.wire.block import Block

REGISTRY = load()
APIS = apis.load()
NOW = 1_795_650_000_000_000


def parts_of(sent: bytes, of: Any, content_type: bytes, *, patient: bool = True) -> list[Part]:
    checks = Checks(of.INTAKE, REGISTRY, APIS.of(of.INTAKE), patient=patient)
    return checks.parts(checks.opened(sent, content_type))


def derived_of(name: str) -> dict[str, list[dict[str, Any]]]:
    """Signal -> rows of what follows from a recorded body."""
    of = logs if "logs" in name else traces
    content_type = b"application/json" if name.endswith(".json") else b"application/x-protobuf"
    return rows_of(parts_of(body(name), of, content_type))


def rows_of(parts: list[Part]) -> dict[str, list[dict[str, Any]]]:
    made: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        if part.is_derived:
            made[part.format.signal] = _rows(part)
    return made


def _rows(part: Part) -> list[dict[str, Any]]:
    ids = tuple(f"e{n}" for n in range(part.n)) if part.event_ids else ()
    version = CURRENT if ids else 0
    stamp = Stamp(
        v=1, format=part.format.name, project_id="p", received_at=NOW, retention_days=30, n=part.n, event_ids=ids,
        fingerprint_version=version,
    )  # fmt: skip
    rows = Rows()
    rows.add(stamp, part.format.codec.read(part.payload), NO_RULES)
    assert len(rows) == part.n
    assert part.format.columns is not None
    columns = part.format.columns(rows)
    Block(REGISTRY.signals[part.format.signal].table).append(dict(columns), len(rows))
    return [{name: values[row] for name, values in columns.items()} for row in range(len(rows))]


@pytest.mark.parametrize(
    ("name", "errors", "calls"),
    [
        ("python-logs.pb", 1, 0),
        ("node-logs.json", 0, 0),
        ("python-traces.pb", 1, 1),
        ("node-traces.json", 1, 0),
        ("node-traces.pb", 1, 0),
        ("python-nested-exception.pb", 1, 0),
        ("genai-traceloop-openai.pb", 1, 3),
        ("genai-openinference-openai.pb", 1, 3),
        ("sentry-sdk-otlp-integration.pb", 0, 0),
        ("edge/spans-good-and-bad.pb", 0, 0),
        ("edge/empty.pb", 0, 0),
    ],
)
def test_recorded_bodies(name: str, errors: int, calls: int) -> None:
    found = derived_of(name)
    assert (len(found.get("errors", ())), len(found.get("llm", ()))) == (errors, calls)


def test_the_exception_of_a_log() -> None:
    (row,) = derived_of("python-logs.pb")["errors"]
    assert (row["type"], row["error_message"]) == ("ZeroDivisionError", "division by zero")
    assert row["stack_trace"].startswith("Traceback")
    assert (row["level"], row["severity"], row["service"]) == ("error", "high", "checkout")
    assert (row["platform"], row["event_id"]) == ("python", "e0")
    whole = fingerprint(CURRENT, "ZeroDivisionError: division by zero", row["stack_trace"])
    assert row["fingerprint"] == whole.hash
    assert set(json.loads(row["attributes"])) == {"code.file.path", "code.function.name", "code.line.number"}


@pytest.mark.parametrize("name", ["node-traces.json", "node-traces.pb"])
def test_the_exception_of_a_span(name: str) -> None:
    (row,) = derived_of(name)["errors"]
    span = codec_of(name).read(body(name))[0]
    assert (row["type"], row["level"]) == ("TypeError", "error")
    assert (row["trace_id"], row["span_id"]) == (span.trace_id, span.span_id)
    assert row["timestamp"] == span.events[1].time_ns // 1000


def test_of_one_exception_on_nested_spans_the_innermost_counts() -> None:
    name = "python-nested-exception.pb"
    (row,) = derived_of(name)["errors"]
    inner, _, _ = codec_of(name).read(body(name))
    assert (inner.name, row["span_id"], row["type"]) == ("inner", inner.span_id, "KeyError")
    (part,) = [part for part in parts_of(body(name), traces, b"application/x-protobuf") if part.is_derived]
    assert part.duplicates == 2


def test_each_exception_of_a_span_is_a_record_of_its_own() -> None:
    span = FULL["Span"](trace_id=b"t" * 16, span_id=b"s" * 8, start_time_unix_nano=1)
    span.attributes.add(key=b"http.url").value.string_value = b"/orders"
    for n, kind in enumerate((b"A", b"B", b"A")):
        event = span.events.add(name=b"exception", time_unix_nano=1000 * (3 - n))
        event.attributes.add(key=b"exception.type").value.string_value = kind
        span.events.add(name=b"other")
    request = FULL["Traces"]()
    request.resources.add().scopes.add(records=[span])
    rows = rows_of(parts_of(request.SerializeToString(), traces, b""))["errors"]
    assert [(row["type"], row["timestamp"]) for row in rows] == [("B", 2), ("A", 1)]
    assert [(row["url"], row["attributes"]) for row in rows] == [("/orders", b'{"span":{"http.url":"/orders"}}')] * 2


def test_logs_outside_of_a_trace_are_all_errors() -> None:
    request = FULL["Logs"]()
    records = request.resources.add().scopes.add().records
    for _ in range(3):
        records.add().attributes.add(key=b"exception.message").value.string_value = b"again"
    (part,) = [part for part in parts_of(request.SerializeToString(), logs, b"") if part.is_derived]
    assert (part.n, part.duplicates) == (3, 0)


@pytest.mark.parametrize(
    ("name", "models"),
    [
        ("genai-traceloop-openai.pb", ["gpt-4o", "text-embedding-3-small", "bad"]),
        ("genai-openinference-openai.pb", ["gpt-4o-2026-08-06", "text-embedding-3-small", ""]),
    ],
)
def test_calls_to_models(name: str, models: list[str]) -> None:
    derived = derived_of(name)
    chat, embedding, failed = derived["llm"]
    assert [row["model"] for row in (chat, embedding, failed)] == models
    assert [(row["input_tokens"], row["output_tokens"]) for row in (chat, embedding, failed)] == [
        (12, 3),
        (5, 0),
        (0, 0),
    ]
    assert [row["operation"] for row in (chat, embedding)] == ["chat", "embeddings"]
    assert (chat["provider"], failed["status"], len(chat["span_id"])) == ("openai", "error", 16)
    assert b"ping" not in chat["attributes"], "what was said stays with the span"
    assert b"temperature" in chat["attributes"]
    (error,) = derived["errors"]
    assert (error["type"], error["span_id"]) == ("openai.NotFoundError", failed["span_id"])


def test_a_call_by_the_usual_names_beside_an_exception() -> None:
    assert [row["type"] for row in derived_of("python-traces.pb")["errors"]] == ["ValueError"]
    (row,) = derived_of("python-traces.pb")["llm"]
    assert (row["model"], row["provider"], row["input_tokens"], row["output_tokens"]) == ("gpt-4o", "openai", 1250, 340)


def test_they_are_no_part_of_the_answer() -> None:
    parts = parts_of(body("genai-traceloop-openai.pb"), traces, b"application/x-protobuf")
    assert len(parts) == 3
    outcome = outcome_of(parts, [])
    assert (outcome.accepted, outcome.dropped, outcome.event_ids) == (3, 0, [])


def test_many_exceptions_are_not_looked_into_on_the_event_loop() -> None:
    request = FULL["Logs"]()
    records = request.resources.add().scopes.add().records
    for _ in range(MANY_MARKS + 1):
        records.add().attributes.add(key=b"exception.type").value.string_value = b"E"
    with pytest.raises(Heavy):
        parts_of(request.SerializeToString(), logs, b"", patient=False)


def test_many_pieces_of_a_marked_record_are_not_looked_into_on_the_event_loop() -> None:
    log = FULL["LogRecord"]()
    log.attributes.add(key=b"exception.type").value.string_value = b"E"
    log.body.string_value = b"x" * 100_000
    request = FULL["Logs"]()
    request.resources.add().scopes.add(records=[log])
    assert len(parts_of(request.SerializeToString(), logs, b"", patient=False)) == 2
    for _ in range(MANY_PIECES):
        request.resources[0].scopes[0].records[0].attributes.add()
    with pytest.raises(Heavy):
        parts_of(request.SerializeToString(), logs, b"", patient=False)
    assert len(parts_of(request.SerializeToString(), logs, b"")) == 2


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_more_exceptions_than_a_payload_may_have_groups(encoding: str) -> None:
    n = MOST_GROUPS + 1
    if encoding == "json":
        log = {
            "attributes": [{"key": "exception.type", "value": {"stringValue": "E"}}],
            "body": {"stringValue": "x" * 99},
        }
        sent = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [log] * n}]}]}).encode()
    else:
        made = FULL["LogRecord"]()
        made.attributes.add(key=b"exception.type").value.string_value = b"E"
        made.body.string_value = b"x" * 99
        request = FULL["Logs"]()
        request.resources.add().scopes.add(records=[made] * n)
        sent = request.SerializeToString()
    _, part = parts_of(sent, logs, b"")
    assert (part.n, part.left_out) == (errors.MOST, n - errors.MOST)
    stamp = stamp_of(part, ResolvedKey(key_id="k", project_id="p", scopes=frozenset()), NOW)
    messages = cut("errors", stamp, part)
    assert len(messages) > 1
    read = [part.format.codec.read(unseal(value)[1]) for _, value, _ in messages]
    assert sum(map(len, read)) == part.n


def test_the_errors_of_a_large_span_are_bounded() -> None:
    span = FULL["Span"](trace_id=b"t" * 16, span_id=b"s" * 8, start_time_unix_nano=1)
    span.attributes.add(key=b"k").value.string_value = b"x" * 200_000
    for n in range(25):
        event = span.events.add(name=b"exception")
        event.attributes.add(key=b"exception.type").value.string_value = b"%d" % n
    request = FULL["Traces"]()
    request.resources.add().scopes.add(records=[span])
    sent = request.SerializeToString()
    _, part = parts_of(sent, traces, b"", patient=False)
    assert (part.n, part.left_out) == (9, 16)
    assert len(part.payload) < 4 * len(sent) + 1_000_000
    del request.resources[0].scopes[0].records[0].attributes[:]
    _, part = parts_of(request.SerializeToString(), traces, b"", patient=False)
    assert (part.n, part.left_out) == (errors.MOST_OF_ONE_SPAN, 5)
    read = part.format.codec.read(part.payload)
    assert [span.events[0].attributes.values for span in read] == [{"exception.type": str(n)} for n in range(20)]


@pytest.mark.parametrize(("wanted", "signals"), [("errors", {"errors"}), ("llm", {"llm"}), ("", set())])
def test_only_what_is_wanted_is_derived(wanted: str, signals: set[str]) -> None:
    registry = REGISTRY.deriving(wanted.split(","))
    (intake,) = [each for each in registry.intakes if each.route == "/v1/traces"]
    checks = Checks(intake, registry, APIS.of(intake))
    parts = checks.parts(checks.opened(body("genai-traceloop-openai.pb"), b""))
    assert {part.format.signal for part in parts if part.is_derived} == signals
    assert {registry.formats[name].signal for name in registry.derived} == signals


def test_what_nobody_derives_is_no_setting() -> None:
    with pytest.raises(BadSetting, match="SLUICE_GATEWAY_OTLP_DERIVED"):
        assemble(settings.load({"SLUICE_GATEWAY_OTLP_DERIVED": "errors,metrics"}))
