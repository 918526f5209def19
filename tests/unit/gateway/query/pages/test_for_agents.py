"""Pages as Markdown: what they count is what they list, and they say what is left out."""

from types import SimpleNamespace
from typing import Any

from starlette.requests import Request

from gateway.query.asked import Asked
from gateway.query.buckets import HOUR
from gateway.query.delivery.shapes import DeliveryAnswer, LetterCount, LettersAnswer
from gateway.query.pages.chart import histogram
from gateway.query.pages.ingest.refusals import refusals_of
from gateway.query.pages.ingest.signals import fresh_rows, signal_rows
from gateway.query.pages.logs.progress import Progress
from gateway.query.pages.logs.volumes import Volumes
from gateway.query.pages.picker import Picker
from gateway.query.pages.rendering import rendered
from gateway.query.pages.stored_log import StoredLog
from gateway.query.pages.trace import shown as found_of
from gateway.query.pages.view import View
from gateway.query.pages.waterfall.options import Options
from gateway.query.range import Range
from gateway.query.traces.beside import Beside, Short, TraceCall, TraceError, TraceLog
from gateway.query.traces.detail import Trace
from gateway.query.usage.answer import Counts
from gateway.query.usage.counted import Counted, Refused
from gateway.query.usage.freshness import Fresh, Freshness
from gateway.query.usage.query import UsageQuery
from gateway.query.usage.records import Usage, UsageBucket
from tests.unit.gateway.query.pages.waterfall.made import BEGAN, span, trace

LONG = "x" * 2_000
RANGE = Range(0, 3_600_000_000)


def view_of(path: str, name: str) -> View:
    scope = {
        "type": "http",
        "path": f"/p/p/{path}.md",
        "query_string": b"last=1h",
        "scheme": "http",
        "headers": [(b"host", b"sluice.test")],
    }
    project: Any = SimpleNamespace(project_id="p")
    nobody: Any = None
    return View(name, Request(scope), nobody, nobody, project, RANGE.end)


def shown(template: str, view: View, **values: Any) -> str:
    badge = SimpleNamespace(up_to=None)
    picker = Picker(RANGE, "1h", RANGE.end, view.url)
    return rendered(template, {"view": view, "badge": badge, "picker": picker, **values}).decode()


def shown_trace(found: Trace, **options: Any) -> str:
    view = view_of("traces/t", "traces")
    return shown("trace.markdown", view, **found_of(view, found, Options()._replace(**options)))


def long_trace(lines: int) -> Trace:
    """As long as its lines can be."""
    return trace(
        [span(f"{n}{LONG}", n - 1 if n else None, depth=n, service=LONG, status="error") for n in range(lines)]
    )


def test_every_line_of_a_trace_that_is_counted_is_there_and_the_next_ones_are_a_link_away() -> None:
    found = long_trace(700)
    first = shown_trace(found)
    assert "## Spans: 250 of 700 lines\n" in first
    assert first.count(" FAILED") == 250
    assert "Lines after these: http://sluice.test/p/p/traces/t.md?last=1h&skip=250\n" in first
    last = shown_trace(found, skip=500)
    assert "## Spans: 200 of 700 lines, after the first 500\n" in last
    assert last.count(" FAILED") == 200
    assert "Lines after these" not in last
    assert "cut here" not in first + last


def test_a_trace_says_which_spans_and_attributes_are_left_out() -> None:
    whole = shown_trace(trace([span()]))
    assert "spans were sent" not in whole
    assert "without their attributes" not in whole
    partly = shown_trace(Trace("t", BEGAN, BEGAN, 1, 10_050, 7, trace([span()]).beside, [], [span()]))
    assert "10,050 spans were sent; the 1 that began first are here" in partly
    assert "7 spans are here without their attributes" in partly


def test_what_stands_beside_a_trace_says_how_much_of_it_is_listed() -> None:
    def beside(listed: int, all: int) -> Beside:
        return Beside(
            Short(all, [TraceLog(BEGAN, "info", LONG, None, LONG)] * listed),
            Short(all, [TraceError(BEGAN, "e", "1", LONG, LONG, None, None)] * listed),
            Short(all, [TraceCall(BEGAN, LONG, "p", "chat", 1, 1, 0.1, 1, None)] * listed),
        )

    many = shown_trace(trace([span()], beside(100, 240)))
    for heading in ("## Errors: the first 12 of 240\n", "## Calls to models: the first 12 of 240\n"):
        assert heading in many
    assert "## Logs: the first 100 of 240\n" in many
    assert many.count(" info ") == 100
    few = shown_trace(trace([span()], beside(3, 3)))
    for heading in ("## Errors: 3\n", "## Calls to models: 3\n", "## Logs: 3\n"):
        assert heading in few


def test_every_row_that_is_counted_is_there() -> None:
    columns = {"level": LONG, "message": f"said {LONG}", "service": LONG}
    view = view_of("logs", "logs")
    text = shown(
        "logs.markdown",
        view,
        rows=[StoredLog("ref", n, n, columns) for n in range(100)],
        volumes=Volumes(histogram(RANGE, [(0, {"info": 1})], ["info"], bucket_us=RANGE.end), None),
        open=None,
        cursor=None,
        progress=Progress(0, None, 0, whole=False),
        older="/p/p/logs?cursor=/logs%3F",
    )
    assert "## The newest: 100\n" in text
    assert text.count(" said x") == 100
    assert "Older: http://sluice.test/p/p/logs.md?cursor=/logs%3F\n" in text


def test_every_pattern_that_is_counted_is_there_and_the_next_ones_are_a_link_away() -> None:
    pattern = SimpleNamespace(count=1, share=0.01, first_seen=BEGAN, last_seen=BEGAN, pattern=LONG)
    text = shown(
        "logs_patterns.markdown",
        view_of("logs/patterns", "logs/patterns"),
        found=SimpleNamespace(distinct=150),
        counted=(0, 1),
        rows=[SimpleNamespace(pattern=pattern, level="info")] * 100,
        next="/p/p/logs/patterns?cursor=c",
        volumes=None,
        volumes_problem="",
    )
    assert "150 patterns" in text
    assert "100 are here" in text
    assert text.count("1 (1.0 %) info first") == 100
    assert text.endswith("\n```\n\nThe next ones: http://sluice.test/p/p/logs/patterns.md?cursor=c\n")


def compared(rows: int, *, sampled: bool) -> str:
    difference = SimpleNamespace(field=LONG, value=LONG)
    sets = SimpleNamespace(logs=20, sampled=sampled)
    return shown(
        "logs_compare.markdown",
        view_of("logs/compare", "logs/compare"),
        asks=True,
        found=SimpleNamespace(found=sets, against=sets),
        rows=[SimpleNamespace(difference=difference, share=99.0, against=1.0)] * rows,
        volumes=None,
        volumes_problem="",
    )


def test_a_comparison_says_that_only_the_newest_were_compared_and_lists_all_differences() -> None:
    assert "20 newest logs of the search are compared with 20 newest others." in compared(1, sampled=True)
    assert "20 logs of the search are compared with 20 others." in compared(1, sampled=False)
    assert compared(200, sampled=False).count("99.0 here, 1.0 there") == 200
    assert "No value tells them apart." in compared(0, sampled=False)


def letters(*open: LetterCount, all: bool) -> str:
    delivery = DeliveryAnswer(None, None, [], None, None, LettersAnswer(list(open), all, []), None)
    view = view_of("ingest", "ingest")
    counts = Counts(reason="Postgres can't be asked")
    given = {"total": 0, "by": "hour", "signals": [], "lanes": [], "audit": "", "counts": counts, "limited": None}
    return shown("ingest.markdown", view, delivery=delivery, **given)


def test_no_dead_letter_is_said_only_of_those_that_were_looked_at() -> None:
    assert "Open dead letters of this project:\n- none\n" in letters(all=True)
    partly = "Open dead letters of this project, of the newest that were looked at:\n"
    assert f"{partly}- none of those looked at\n" in letters(all=False)
    assert f"{partly}- logs, refused: 2\n" in letters(LetterCount("logs", "refused", 2), all=False)


def test_what_was_refused_is_said_with_what_to_do() -> None:
    hour = Range(0, HOUR.us - 1)
    counted = Counted(None, {"logs": 3}, {}, [], [Refused("logs", "rate_limited", 1200)], [])
    usage = Usage({"logs": 2}, [UsageBucket("1970-01-01T00:00:00.000Z", {"logs": 2})])
    fresh = Freshness([Fresh("logs", 9, 0.5, 61.0)], [])
    counts = Counts(counted, fresh, None, None)
    text = shown(
        "ingest.markdown",
        view_of("ingest", "ingest"),
        total=2,
        by="hour",
        lanes=[],
        audit="",
        limited=None,
        since=None,
        accepted=3,
        signals=signal_rows(usage, counts, {"logs": "logs"}),
        refusals=refusals_of(counted, UsageQuery(Asked(hour), HOUR)),
        fresh=fresh_rows(usage, fresh),
        counts=counts,
        delivery=DeliveryAnswer(None, None, [], None, None, None, None),
    )
    assert "- logs: 2\n" in text
    assert "Gateways have counted 3 records that they accepted" in text
    assert "- 429 rate_limited, logs: 1,200: its key had used up its minute. Clients send again" in text
    assert "- logs: 500 ms, 1 m 1 s (9 messages)" in text
