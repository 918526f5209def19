"""The page of one trace: its waterfall; a script asks for one of its spans alone, to open it in its row
(pages.md, "A trace")."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.query.asked import parse_asked
from gateway.query.language import render, term
from gateway.query.pages.page import Page
from gateway.query.pages.picker import Picker
from gateway.query.pages.view import View
from gateway.query.pages.waterfall.opened import opened_span
from gateway.query.pages.waterfall.options import FOLDS, Options, parse_options
from gateway.query.pages.waterfall.services import MAX_SERVICES, ServiceTime, by_service, slowest_of_path
from gateway.query.pages.waterfall.waterfall import MAX_LINES, Waterfall, draw
from gateway.query.times import clamp, parse_time
from gateway.query.traces.beside import AROUND_US
from gateway.query.traces.detail import Trace, TraceQuery, find_trace, trace_named
from gateway.query.traces.fields import LANGUAGE
from shared.error_states import STATUSES

MOST_BESIDE = 12
"""Logs, errors and calls that are listed beside the waterfall."""


class Choice(NamedTuple):
    text: str
    href: str
    chosen: bool


class Facts(NamedTuple):
    """`cost`: of the calls that are told. `services`: the first of `service_count`. `slowest`: the operation with most
    of the critical path, `share` of it in percent."""

    began: int
    failed: int
    cost: float
    services: list[ServiceTime]
    service_count: int
    slowest: str
    share: int


class Links(NamedTuple):
    """To other pages, about this trace; to this one. `groups`: of its errors, one each. A place of a span comes behind
    `span`, which opens it, and `unfold`."""

    logs: str
    errors: str
    calls: str
    groups: list[str]
    closed: str
    span: str
    unfold: str


def _parse(view: View) -> tuple[TraceQuery, Options]:
    """Raises `BadQuery`."""
    given = view.given
    parse_asked(given, LANGUAGE, lambda: view.now)  # of the list that one came from: it is kept for the way back
    query, options = trace_named(given), parse_options(given)
    given.finish()
    return query, options


async def _find(view: View) -> Mapping[str, Any]:
    query, options = _parse(view)
    complete = (await view.deps.complete_of(())).within(query.asked.as_of)
    trace = await find_trace(view.deps.groups, view.deps.reader, view.project.project_id, query)
    return {"badge": view.badge(complete), **await asyncio.to_thread(shown, view, trace, options)}


def shown(view: View, trace: Trace, options: Options) -> Mapping[str, Any]:
    """To be called on a thread: it takes time in proportion to the spans."""
    drawn = draw(trace, options)
    return {
        "trace": trace,
        "root": trace.spans[0],
        "facts": _facts(trace),
        "drawn": drawn,
        "options": options,
        "words": [options.find] if options.find else [],
        "open": opened_span(view, trace, options.open),
        "links": _links(view, trace, options, drawn),
        "folds": _folds(view, options),
        "hide": _hide(view, drawn, options),
        "pages": _pages(view, drawn),
        "find_with": _find_with(view),
        "MOST_BESIDE": MOST_BESIDE,
    }


def _facts(trace: Trace) -> Facts:
    services = by_service(trace.spans)
    slowest, share = slowest_of_path(trace.spans)
    return Facts(
        began=parse_time(trace.start),
        failed=sum(span.status == "error" for span in trace.spans),
        cost=sum(call.cost_usd for call in trace.beside.llm_calls.first),
        services=services[:MAX_SERVICES],
        service_count=len(services),
        slowest=slowest,
        share=share,
    )


def _links(view: View, trace: Trace, options: Options, drawn: Waterfall) -> Links:
    start, end = parse_time(trace.start), parse_time(trace.end)
    around = Picker.ends(clamp(start - AROUND_US), clamp(end + AROUND_US))

    def search(page: str, **more: str) -> str:
        return view.url(page, **around, last=None, q=render(term("trace", trace.trace_id)), **more)

    logs, errors, calls = search("logs"), search("errors", status=",".join(STATUSES)), search("llm")
    groups = [
        view.url(f"errors/{error.fingerprint}", **around, last=None, q=None, event=error.event_id)
        for error in trace.beside.errors.first[:MOST_BESIDE]
    ]
    skip = str(drawn.skipped) if drawn.skipped else None
    closed, folded = view.here(open=None, skip=skip), view.here(open=None, unfold=None, skip=skip)
    unfolded = "".join(f"{n}," for n in sorted(options.unfolded))
    return Links(logs, errors, calls, groups, closed, f"{_and(closed)}open=", f"{_and(folded)}unfold={unfolded}")


def _and(address: str) -> str:
    return address + ("&" if "?" in address else "?")


def _folds(view: View, options: Options) -> list[Choice]:
    return [
        Choice(text, view.here(fold=fold, skip=None, unfold=None), fold == options.fold) for fold, text in FOLDS.items()
    ]


def _hide(view: View, drawn: Waterfall, options: Options) -> Choice:
    """*Hide short ones*, or show them again."""
    if options.hidden_us:
        return Choice(f"Hide under {options.hidden_us // 1000:,} ms", view.here(hide=None, skip=None), True)
    return Choice(f"Hide under {drawn.short_ms:,} ms", view.here(hide=str(drawn.short_ms), skip=None), False)


def _pages(view: View, drawn: Waterfall) -> Mapping[str, str]:
    """The lines before those that are drawn, and after them; '' for none."""
    before, after = drawn.skipped - MAX_LINES, drawn.skipped + MAX_LINES
    return {
        "before": view.here(skip=str(max(0, before)), open=None) if drawn.skipped else "",
        "after": view.here(skip=str(after), open=None) if after < drawn.lines else "",
    }


def _find_with(view: View) -> dict[str, str]:
    """What the form that finds spans sends along."""
    gone = ("find", "open", "skip", "theme")
    return {name: value for name, value in view.request.query_params.items() if value and name not in gone}


TRACE = Page("traces/{trace_id:path}", "trace.html", _find, part="span_part.html", for_agents=True)
