"""Logs, errors and calls to models on the lines of a trace."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from gateway.query.pages.durations import lasting
from gateway.query.pages.waterfall.stretches import Axis
from gateway.query.times import parse_time
from gateway.query.traces.beside import Beside, Short, TraceCall, TraceError, TraceLog
from gateway.query.traces.critical import Stretch
from gateway.query.traces.spans import Span

B = TypeVar("B", TraceLog, TraceError, TraceCall)


class Mark(NamedTuple):
    """`kind`: log or error. `x` in percent."""

    kind: str
    x: float
    text: str


class Frame(NamedTuple):
    """A call to a model. `x` and `width` in percent."""

    text: str
    x: float
    width: float


class Lane(NamedTuple):
    """What no span has, on a line of its own. `text`: how many there are, also beyond the axis and those that are not
    listed; how many of the listed ones, where spans may have others."""

    text: str
    marks: list[Mark]
    frames: list[Frame]


class Clock(NamedTuple):
    """Between the times as they were sent and those of the axis. `began`: of the axis, microseconds."""

    began: int
    us: int

    @classmethod
    def of(cls, spans: Sequence[Span], us: int) -> "Clock":
        return cls(parse_time(spans[0].start) - spans[0].start_us, us)

    def covers(self, moment: int) -> bool:
        return 0 <= moment - self.began <= self.us


def marks_of(spans: Sequence[Span], beside: Beside, axis: Axis) -> dict[int, list[Mark]]:
    """Place of a span -> its logs and errors. They move with it, where it was moved."""
    places = place_of(spans)
    found: dict[int, list[Mark]] = defaultdict(list)
    told: list[TraceLog | TraceError] = [*beside.logs.first, *beside.errors.first]
    for each in told:
        n = places.get(each.span_id or "")
        if n is not None:
            at = parse_time(each.timestamp) - parse_time(spans[n].start) + spans[n].start_us
            found[n].append(Mark(_kind(each), axis.at(at), _text(each)))
    return found


def _kind(of: TraceLog | TraceError) -> str:
    return "log" if isinstance(of, TraceLog) and of.level not in ("error", "fatal") else "error"


def _text(of: TraceLog | TraceError) -> str:
    return f"{of.level if isinstance(of, TraceLog) else of.type}: {of.message}"


def lanes(spans: Sequence[Span], beside: Beside, clock: Clock, axis: Axis) -> list[Lane]:
    """What names none of these spans. A call's span has the frame of the call."""
    places = place_of(spans)

    def alone(found: Sequence[B]) -> list[B]:
        return [each for each in found if (each.span_id or "") not in places]

    errors, calls, logs = alone(beside.errors.first), alone(beside.llm_calls.first), alone(beside.logs.first)
    found = [
        Lane(_without_span(errors, beside.errors, "error"), _marks("error", errors, clock, axis), []),
        Lane(_without_span(calls, beside.llm_calls, "LLM call"), [], _frames(calls, clock, axis)),
        Lane(_without_span(logs, beside.logs, "log"), _marks("log", logs, clock, axis), []),
    ]
    return [lane for lane in found if lane.marks or lane.frames]


def call_text(call: TraceCall) -> str:
    tokens = f"{call.input_tokens:,} + {call.output_tokens:,} tokens"
    return f"{call.model}, {tokens}, {lasting(call.latency_ms * 1000)}"


def place_of(spans: Sequence[Span]) -> dict[str, int]:
    """Of several spans with one id the first has it."""
    found: dict[str, int] = {}
    for n, span in enumerate(spans):
        if span.span_id and not span.repeated:
            found[span.span_id] = n
    return found


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _without_span(alone: Sequence[B], of: Short[B], what: str) -> str:
    """Errors and calls of most formats have no spans at all: then it is not said of them."""
    listed = len(of.first)
    if what != "log" and len(alone) == listed:
        return _counted(of.count, what)
    return f"{_counted(len(alone), what)} without a span" + (f", of the first {listed}" if listed < of.count else "")


def _marks(kind: str, found: Sequence[TraceLog | TraceError], clock: Clock, axis: Axis) -> list[Mark]:
    moments = ((parse_time(each.timestamp), _text(each)) for each in found)
    return [Mark(kind, axis.at(at - clock.began), text) for at, text in moments if clock.covers(at)]


def _frames(calls: Sequence[TraceCall], clock: Clock, axis: Axis) -> list[Frame]:
    found: list[Frame] = []
    for call in calls:
        at, us = parse_time(call.timestamp) - clock.began, call.latency_ms * 1000
        start, end = (at, at + us) if call.span_id else (at - us, at)
        if end >= 0 and start <= clock.us:
            (piece,) = axis.pieces("llm", [Stretch(max(0, start), min(end, clock.us))])
            found.append(Frame(call_text(call), piece.x, piece.width))
    return found
