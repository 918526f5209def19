"""Which spans of a trace have a line."""

from collections.abc import Sequence

from gateway.query.pages.waterfall.attributes import attributes_of, kind_of
from gateway.query.pages.waterfall.options import Options
from gateway.query.traces.spans import Span


def shown(spans: Sequence[Span], options: Options) -> list[bool]:
    """By their places. The open span always has one, and spans that failed aren't hidden for being short."""
    found = [_is_shown(span, spans, options) for span in spans]
    if options.find:
        sought = with_parents(spans, matches(spans, options.find))
        found = [each and n in sought for n, each in enumerate(found)]
    if options.open is not None and options.open < len(spans):
        found[options.open] = True
    return found


def matches(spans: Sequence[Span], text: str) -> set[int]:
    """Spans whose operation, service, ids or attributes hold a text, in any case."""
    sought = text.casefold()
    return {n for n, span in enumerate(spans) if any(sought in each.casefold() for each in _texts(span))}


def with_parents(spans: Sequence[Span], places: set[int]) -> set[int]:
    found = set(places)
    for n in reversed(range(len(spans))):  # every span stands behind its parent
        parent = spans[n].parent
        if n in found and parent is not None:
            found.add(parent)
    return found


def _is_shown(span: Span, spans: Sequence[Span], options: Options) -> bool:
    failed = span.status == "error"
    if span.duration_us < options.hidden_us and not failed:
        return False
    if options.most_depth is not None and span.depth > options.most_depth:
        return False
    if options.fold == "service" and span.parent is not None and span.service == spans[span.parent].service:
        return failed
    return not options.agent or bool(kind_of(span.operation, attributes_of(span)))


def _texts(span: Span) -> tuple[str, ...]:
    attributes = bytes(span.attributes).decode(errors="replace")
    return span.operation, span.service or "", span.span_id, "" if attributes == "null" else attributes
