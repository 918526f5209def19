"""A trace as it is drawn: what is shown, hidden, found, marked and bounded."""

import json
from typing import Any

import msgspec
import pytest

from gateway.query.pages.waterfall.attributes import attributes_of, kind_of, reason_of, tokens_of
from gateway.query.pages.waterfall.options import Options
from gateway.query.pages.waterfall.services import by_service, slowest_of_path
from gateway.query.pages.waterfall.waterfall import MAX_LINES, Waterfall, draw
from gateway.query.traces.beside import Beside, Short, TraceCall, TraceError, TraceLog
from gateway.query.traces.spans import Span
from tests.unit.gateway.query.pages.waterfall.made import span, trace, tree

MS = 1_000


def raw(**attributes: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(attributes).encode())


def checkout() -> list[Span]:
    """A request with a query, a model's call and the tool that it used."""
    return [
        span("POST /quote", None, (0, 100 * MS), service="web"),
        span("SELECT carts", 0, (10 * MS, 1 * MS), 1, "web"),
        span("quotes", 0, (20 * MS, 70 * MS), 1, "api"),
        span("chat small", 2, (25 * MS, 40 * MS), 2, "api", attributes=raw(**{"gen_ai.operation.name": "chat"})),
        span("geo", 3, (30 * MS, 20 * MS), 3, "api", attributes=raw(gen_ai={"tool": {"name": "geo"}})),
        span("charge", 2, (70 * MS, 2 * MS), 2, "api", status="error", attributes=raw(**{"error.type": "Declined"})),
    ]


def drawn(spans: list[Span], beside: Beside | None = None, **options: Any) -> Waterfall:
    found = trace(spans) if beside is None else trace(spans, beside)
    return draw(found, Options()._replace(**options))


def shown(**options: Any) -> list[int]:
    return [row.n for row in drawn(checkout(), **options).rows]


def test_what_options_leave_a_line() -> None:
    assert shown() == [0, 1, 2, 3, 4, 5]
    assert shown(agent=True) == [3, 4]
    assert shown(hidden_us=5 * MS) == [0, 2, 3, 4, 5]  # what failed is not hidden
    assert shown(fold="service") == [0, 2, 5]
    assert shown(fold="depth-1") == [0, 1, 2]
    assert shown(fold="depth-1", open=4) == [0, 1, 2, 4]
    assert shown(find="GEO") == [0, 2, 3, 4]
    assert shown(find="declined") == [0, 2, 5]
    assert shown(find="nothing") == []


def test_a_line_says_what_it_stands_for() -> None:
    root, query, quotes = drawn(checkout(), fold="depth-1").rows
    assert (root.below, query.below, quotes.below, quotes.failed_below) == (0, 0, 3, 1)
    assert drawn(checkout(), agent=True).shown == 2


def test_bars_are_own_time_and_the_critical_path_over_the_whole() -> None:
    rows = drawn(checkout()).rows
    assert rows[0].pieces == [
        ("debug", 0.0, 100.0),
        *[("info", x, width) for x, width in ((0.0, 10.0), (11.0, 9.0), (90.0, 10.0))],
        *[("acc", x, width) for x, width in ((0.0, 10.0), (11.0, 9.0), (90.0, 10.0))],
    ]
    assert [row.on_path for row in rows] == [True] * 6
    assert rows[4].pieces == [("info", 30.0, 20.0), ("acc", 30.0, 20.0)]
    assert rows[3].frame == ("llm", 25.0, 40.0)
    assert rows[5].label is not None
    assert (rows[5].label.text, rows[5].label.css) == ("Declined", "err")
    assert rows[5].label._replace(text="x" * 60, x=30.0, anchor="end").shown == "x" * 18 + "…"
    assert [mark.kind for mark in rows[5].marks] == ["error"]


def test_strange_spans_say_so() -> None:
    spans = [
        span(),
        span(parent=0, depth=1, skew_us=5),
        span(parent=0, depth=1, repeated=True),
        span(orphan=True),
        span(in_circle=True, skew_us=1),
    ]
    tags = [row.tags for row in drawn(spans).rows]
    assert tags == [[], ["moved"], ["repeated id"], ["no parent"], ["moved", "circle"]]


def beside(*logs: TraceLog) -> Beside:
    error = TraceError("2026-01-15T12:00:00.050Z", "e", "1", "TypeError", "x", "api", None)
    late = TraceError("2026-01-15T12:04:00.000Z", "f", "1", "TypeError", "x", "api", None)
    call = TraceCall("2026-01-15T12:00:00.060Z", "m", "p", "chat", 5, 6, 0.1, 20, None)
    return Beside(Short(len(logs), list(logs)), Short(2, [error, late]), Short(1, [call]))


def log(at: str, span_id: str | None) -> TraceLog:
    return TraceLog(f"2026-01-15T12:00:00.{at}Z", "info", "said", span_id, "api")


def test_logs_stand_on_their_span_and_move_with_it() -> None:
    spans = [span(at=(0, 100 * MS)), span(parent=0, at=(20 * MS, 10 * MS), depth=1, span_id="s", skew_us=20 * MS)]
    found = drawn(spans, beside(log("005", "s"), log("070", "gone")))
    assert [(mark.kind, mark.x) for mark in found.rows[1].marks] == [("log", 25.0)]
    errors, calls, logs = found.lanes
    assert (errors.text, [mark.x for mark in errors.marks]) == ("2 errors", [50.0])  # the other was after the trace
    assert calls.frames == [("m, 5 + 6 tokens, 20 ms", 40.0, 20.0)]
    assert [mark.x for mark in logs.marks] == [70.0]


def test_errors_and_calls_that_name_a_span_have_no_lane() -> None:
    error = TraceError("2026-01-15T12:00:00.050Z", "e", "1", "TypeError", "x", "api", "s")
    calls = [TraceCall("2026-01-15T12:00:00.060Z", "m", "p", "chat", 5, 6, 0.1, 20, of) for of in ("s", "gone")]
    spans = [span(at=(0, 100 * MS), span_id="s")]
    found = drawn(spans, Beside(Short(0, []), Short(1, [error]), Short(2, calls)))
    assert [(mark.kind, mark.x, mark.text) for mark in found.rows[0].marks] == [("error", 50.0, "TypeError: x")]
    assert [(lane.text, lane.frames[0][1:]) for lane in found.lanes] == [("1 LLM call without a span", (60.0, 20.0))]


def test_lanes_count_all_that_is_stored_and_say_of_which_logs() -> None:
    few = beside(log("005", None))
    many = Beside(Short(2_000, few.logs.first), Short(240, few.errors.first), Short(101, few.llm_calls.first))
    spans = [span(at=(0, 100 * MS))]
    assert [lane.text for lane in drawn(spans, few).lanes] == ["2 errors", "1 LLM call", "1 log without a span"]
    assert [lane.text for lane in drawn(spans, many).lanes] == [
        "240 errors",
        "101 LLM calls",
        "1 log without a span, of the first 1",
    ]


def test_a_folded_span_leaves_its_marks_to_the_line_that_stands_for_it() -> None:
    spans = [span(at=(0, 100 * MS)), span(parent=0, at=(0, 10 * MS), depth=1, span_id="s")]
    (root,) = drawn(spans, beside(log("005", "s")), fold="depth-1", hidden_us=50 * MS).rows
    assert len(root.marks) == 1


def test_ten_thousand_spans_are_drawn_a_page_at_a_time() -> None:
    spans = [span(f"s{n}", None if n == 0 else 0, (n, 5), min(n, 1)) for n in range(10_000)]
    found = drawn(spans)
    assert (len(found.rows), found.lines, found.skipped, found.shown) == (MAX_LINES, 10_000, 0, 10_000)
    assert len(found.overview) < 1_000
    assert [row.n for row in drawn(spans, skip=9_900).rows] == list(range(9_900, 10_000))
    assert drawn(spans, open=700).skipped == MAX_LINES * 2
    assert drawn(spans, skip=10_000).skipped == 0


def test_the_short_ones_are_a_round_part_of_the_trace() -> None:
    assert drawn([span(at=(0, 3_184 * MS))]).short_ms == 10
    assert drawn([span(at=(0, 0))]).short_ms == 1


@pytest.mark.parametrize(
    ("operation", "attributes", "kind"),
    [
        ("x", {"gen_ai.operation.name": "execute_tool"}, "tool"),
        ("x", {"openinference.span.kind": "LLM"}, "llm"),
        ("x", {"traceloop.span.kind": "workflow"}, "agent"),
        ("x", {"gen_ai.request.model": "m"}, "llm"),
        ("chat small-2", {}, "llm"),
        ("tool geo.lookup", {}, "tool"),
        ("GET /chat", {"http.route": "/chat"}, ""),
    ],
)
def test_what_models_tools_and_agents_did(operation: str, attributes: dict[str, object], kind: str) -> None:
    assert kind_of(operation, attributes) == kind


def test_attributes_that_cant_be_read_say_nothing() -> None:
    for text in (b"null", b"[1]", b'{"a":', b"[" * 100_000):
        assert attributes_of(span(attributes=msgspec.Raw(text))) == {}
    assert tokens_of({"gen_ai.usage.input_tokens": 1204, "gen_ai.usage.output_tokens": 212}) == "1,204 + 212 tokens"
    assert tokens_of({"gen_ai.usage.input_tokens": "many"}) == ""
    assert reason_of({"error": {}, "exception.message": "x" * 100}) == "x" * 60 + "…"


def test_time_by_service_sums_to_the_critical_path() -> None:
    spans = [
        span("a", None, (0, 10), self_us=4, critical_us=4),
        span("b", 0, (2, 6), 1, "db", self_us=6, critical_us=6),
        span("c", 0, (2, 1), 1, None, self_us=1),
    ]
    assert by_service(spans) == [("db", 1, 6, 6, 60), ("api", 1, 4, 4, 40), ("", 1, 1, 0, 0)]
    assert slowest_of_path(spans) == ("b", 60)
    assert slowest_of_path(tree(None)) == ("", 0)
