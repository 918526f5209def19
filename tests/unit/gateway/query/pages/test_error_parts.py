"""What the page of one error makes of stored values."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gateway.mapping.answers import IS_SOURCE, NOT_JAVASCRIPT, RUNTIME, Mapped, Outcome, no_map_for_release
from gateway.query.errors.ever import BY_CLIENT, Newest
from gateway.query.events.chain import ShownError, ShownFrame
from gateway.query.pages.error.breadcrumbs import MOST, Crumb, crumbs_of
from gateway.query.pages.error.history import history_lines, state_text
from gateway.query.pages.error.sent_lines import sent_lines
from gateway.query.pages.error.small_trace import FROM, WIDTH, small_trace
from gateway.query.pages.error.stack import MOST_OPEN, MOST_UNFOLDED, stack_of
from gateway.query.pages.error.why import why_of
from gateway.query.range import Range
from gateway.query.traces.spans import Span, Spans
from shared.error_states import OPEN, Limit, Reopened, State, StateChange

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
NOON_US = 1_768_478_400_000_000
MAPPED = Mapped(
    function="applyRates",
    source="src/quote.ts",
    line=118,
    column=3,
    in_app=True,
    context_line="  boom();",
    before=["  if (x) {"],
    after=["  }"],
    map="quote.js.map",
)


def frame(outcome: Outcome, file: str = "/app/a.js", *, own: bool = True) -> ShownFrame:
    return ShownFrame("f", file, 1, 2, own, "why", outcome)


def test_own_frames_stand_alone_and_others_are_folded() -> None:
    frames = [
        frame(MAPPED, own=False),
        frame(no_map_for_release("r1")),
        frame(RUNTIME, "node:internal/x", own=False),
        frame(IS_SOURCE, "/app/node_modules/@a/b/c.js", own=False),
        frame(IS_SOURCE, "/app/node_modules/next/c.js", own=False),
        frame(IS_SOURCE),
    ]
    (error,) = stack_of("javascript", [ShownError("E", "m", None, frames)], "sent").errors
    assert [(run.is_own, run.is_folded, len(run.calls), run.origins) for run in error.runs] == [
        (True, False, 2, ""),
        (False, True, 3, "node:internal, @a/b, next"),
        (True, False, 1, ""),
    ]
    mapped, unmapped = error.runs[0].calls
    assert (mapped.function, mapped.where, mapped.label, mapped.is_open) == (
        "applyRates",
        "src/quote.ts:118",
        "mapped",
        True,
    )
    assert [(line.number, line.css) for line in mapped.lines] == [(117, ""), (118, "hit"), (119, "")]
    assert (unmapped.label, unmapped.css, unmapped.is_open) == ("not mapped", "amb", True)
    assert unmapped.why.startswith("Release r1 has no source maps")


SENT = {"abs_path": "/app/a.js", "lineno": 1, "pre_context": ["before the first"], "context_line": "boom()"}


@pytest.mark.parametrize("wrap", [lambda value: {"values": [value]}, lambda value: [value], lambda value: value])
def test_lines_that_the_client_sent_stand_in_for_a_source_map(wrap: Any) -> None:
    event = {"exception": wrap({"stacktrace": {"frames": [5, SENT | {"post_context": ["}", 7]}]}})}
    frames = [frame(MAPPED), frame(no_map_for_release("r1")), frame(IS_SOURCE, "/app/b.js")]
    (error,) = stack_of("javascript", [ShownError("E", "m", None, frames)], "", lines=sent_lines(event)).errors
    mapped, sent, other = error.runs[0].calls
    assert (len(mapped.lines), other.lines) == (3, [])
    assert [(line.number, line.text, line.css) for line in sent.lines] == [
        (1, "boom()", "at"),
        (2, "}", ""),
        (3, "", ""),
    ]
    assert (sent.label, sent.is_open, sent.why[:7]) == ("not mapped", True, "Release")


def test_folded_frames_have_no_lines() -> None:
    frames = [frame(IS_SOURCE)] * (MOST_UNFOLDED + 5) + [frame(IS_SOURCE, own=False)]
    lines = sent_lines({"stacktrace": {"frames": [SENT]}})
    (error,) = stack_of("python", [ShownError("E", "m", None, frames)], "", lines=lines).errors
    assert [bool(call.lines) for run in error.runs for call in run.calls] == [True] * MOST_UNFOLDED + [False] * 6


def test_the_error_that_a_group_held_is_told_as_such() -> None:
    held, group = ShownError("PayError", "no money", None, []), ShownError("ExceptionGroup", "many", None, [])
    assert stack_of("python", [held, group], "", kind="ExceptionGroup").inside == "PayError: no money"
    assert stack_of("python", [group, held], "", kind="ExceptionGroup").inside == ""
    assert stack_of("python", [held], "", kind="message").inside == ""


@pytest.mark.parametrize("name", ["stacktrace", "threads"])
def test_so_has_a_message(name: str) -> None:
    stack = {"frames": [SENT]}
    event = {"stacktrace": stack} if name == "stacktrace" else {"threads": {"values": [{"stacktrace": stack}]}}
    assert [each.context_line for each in sent_lines(event).values()] == ["boom()"]


def test_a_hostile_event_has_no_lines_and_long_ones_are_cut() -> None:
    for odd in (None, [], {"exception": 5}, {"exception": {"values": {"a": 1}}}, {"exception": [{"stacktrace": []}]}):
        assert sent_lines(odd) == {}
    frames = [SENT | {"lineno": n, "pre_context": ["x" * 999] * 99, "context_line": "y" * 999} for n in (0, -1, 3, 9)]
    found = sent_lines({"exception": [{"stacktrace": {"frames": frames}}]})
    assert [(line, len(each.before), len(each.context_line)) for (_, line), each in found.items()] == [
        (3, 2, 300),
        (9, 5, 300),
    ]


def test_only_the_first_own_frames_are_open_and_one_line_is_hit() -> None:
    (error,) = stack_of("javascript", [ShownError("E", None, None, [frame(MAPPED)] * 9)], "").errors
    calls = error.runs[0].calls
    assert [call.is_open for call in calls] == [True] * MOST_OPEN + [False] * (9 - MOST_OPEN)
    assert sum(line.css == "hit" for call in calls for line in call.lines) == 1


def test_own_frames_after_many_are_folded() -> None:
    frames = [frame(RUNTIME, own=False), *[frame(IS_SOURCE)] * (MOST_UNFOLDED + 9), frame(RUNTIME, own=False)]
    (error,) = stack_of("javascript", [ShownError("E", None, None, frames)], "").errors
    assert [(run.is_own, run.is_folded, len(run.calls)) for run in error.runs] == [
        (False, False, 1),
        (True, False, MOST_UNFOLDED),
        (True, True, 9),
        (False, False, 1),
    ]


def test_where_nothing_is_own_nothing_is_folded() -> None:
    frames = [frame(NOT_JAVASCRIPT, own=False)] * 3
    stack = stack_of("python", [ShownError("E", "m", None, frames), ShownError("C", "n", None, [])], "sent")
    assert [(run.is_own, len(run.calls)) for run in stack.errors[0].runs] == [(True, 3)]
    assert stack.errors[0].runs[0].calls[0].label == ""
    assert (stack.language, stack.has_maps, stack.is_read, stack.errors[1].title) == ("Python", False, True, "C: n")
    assert not stack_of("none", [ShownError("E", "m", None, [])], "text").is_read


@pytest.mark.parametrize(
    ("given", "crumb"),
    [
        ({"timestamp": "2026-01-15T11:59:59Z", "type": "click", "message": "b"}, Crumb(-1_000_000, "click", "b")),
        ({"timestamp": 1_768_478_399.5, "category": "nav", "type": "x"}, Crumb(-500_000, "nav", "")),
        ({"timestamp": 1_768_478_399_500, "data": {"to": "/x"}}, Crumb(-500_000, "", '{"to": "/x"}')),
        ({"timestamp": "soon", "type": 7, "message": ["x"]}, Crumb(None, "", "")),
        ({"timestamp": True}, Crumb(None, "", "")),
        ({"timestamp": float("nan")}, Crumb(None, "", "")),
        ({}, Crumb(None, "", "")),
    ],
)
def test_a_breadcrumb_of_any_shape_has_a_line(given: dict[str, Any], crumb: Crumb) -> None:
    assert crumbs_of([given], NOON_US).crumbs == [crumb]


@pytest.mark.parametrize("timestamp", [1e306, -1e306, 10**400, float("inf")])
def test_a_time_beyond_all_bounds_is_far_away(timestamp: float) -> None:
    ((after, _, _),) = crumbs_of([{"timestamp": timestamp}], NOON_US).crumbs
    assert after is not None
    assert (after > 0) == (timestamp > 0)


@pytest.mark.parametrize("stored", [None, {}, {"values": 3}, "x", [1, None, []], 1e300])
def test_what_is_no_list_of_breadcrumbs_has_none(stored: Any) -> None:
    assert crumbs_of(stored, NOON_US) == ([], 0)


def test_the_last_breadcrumbs_are_shown() -> None:
    found = crumbs_of({"values": [{"message": str(n)} for n in range(MOST + 3)]}, NOON_US)
    assert (found.left, found.crumbs[0].text, found.crumbs[-1].text) == (3, "3", str(MOST + 2))


def span(n: int, **more: Any) -> Span:
    usual: dict[str, Any] = dict.fromkeys(Span.__struct_fields__)
    usual |= {"span_id": str(n), "operation": f"op{n}", "service": "s", "status": "ok", "parent": 0, "start": ""}
    usual |= {"start_us": n * 10, "duration_us": 10, "self_us": 10, "depth": 1, "skew_us": 0}
    return Span(**usual | more)


def test_a_small_trace_has_the_root_what_failed_and_what_was_waited_for() -> None:
    spans = [span(0, parent=None, duration_us=1000, self_us=0)]
    spans += [span(n, critical_us=n if n > 40 else None) for n in range(1, 50)]
    spans[7] = span(7, status="error")
    found = small_trace(Spans(spans, [], Range(0, 1), 50, 1000, 0))
    assert [row.text for row in found.rows] == ["s  op0", "s  op7", *(f"s  op{n}" for n in range(44, 50))]
    assert [row.css for row in found.rows] == ["debug", "error", *(["acc"] * 6)]
    assert (found.rows[0].x, found.rows[0].width, found.spans) == (FROM, WIDTH, 50)
    assert all(FROM <= row.x <= row.x + row.width <= 100.01 for row in found.rows)


@pytest.mark.parametrize(
    ("parts", "rule", "lines"),
    [
        (["v2", ["TypeError", "E"], ["run@a"], "x * y", "the rule"], "the rule", ["TypeError", "E", "run@a", "x * y"]),
        (["v2", ["TypeError"], ["run@a"], None, "the rule"], "the rule", ["TypeError", "run@a"]),
        (["v1", "TypeError", "run"], None, ["TypeError", "run"]),
        (["sentry", "checkout", "mine"], BY_CLIENT, ["checkout", "mine"]),
        ({"a": 1}, None, []),
        (None, None, []),
    ],
)
def test_the_parts_of_a_fingerprint_are_lines(parts: Any, rule: str | None, lines: list[str]) -> None:
    newest = Newest("e", "E", "m", 2, rule, msgspec.Raw(json.dumps(parts).encode()))
    assert (why_of(newest).lines, why_of(newest).rule) == (lines, rule or "")


def test_states_are_sentences() -> None:
    until = (NOON + timedelta(hours=1)).astimezone()
    states = {
        "Open": OPEN,
        "Resolved": State("resolved"),
        "Resolved in web@2": State("resolved", in_release="web@2"),
        "Muted": State("muted"),
        "Muted until 1,000 come within 60 min": State("muted", until=Limit(1000, 60)),
        "Muted until 15 Jan 2026 13:00 UTC": State("muted", until_time=until),
        "Open again: regressed in web@3": State(reopened=Reopened(NOON, "regressed", "e", "web@3")),
        "Open again: over the limit": State(reopened=Reopened(NOON, "limit")),
    }
    assert {state_text(state): state for state in states.values()} == states


def test_history_says_what_each_change_changed() -> None:
    resolved = State("resolved", since=NOON)
    assigned = msgspec.structs.replace(resolved, assignee="Bob")
    changes = [
        StateChange(NOON, "user Ann", State(since=NOON + timedelta(hours=1))),
        StateChange(NOON, "user Ann", assigned, "look"),
        StateChange(NOON, "user Ann", assigned),
        StateChange(NOON, "key k", resolved, "done"),
    ]
    lines = history_lines(changes)
    assert [line.text for line in lines] == ["Open; Assigned to nobody", "Note", "Assigned to Bob", "Resolved"]
    assert [(line.at, line.by, line.note) for line in lines][1::2] == [
        (NOON_US, "user Ann", "look"),
        (NOON_US, "key k", "done"),
    ]
    assert history_lines([]) == []
