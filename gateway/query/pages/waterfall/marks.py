"""Logs, errors and calls to models on the lines of a trace."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from gateway.query.pages.durations import lasting
from gateway.query.pages.waterfall.stretches import Axis
from gateway.query.times import parse_time
from gateway.query.traces.beside import Beside, Short, TraceCall, TraceLog
from gateway.query.traces.critical import Stretch
from gateway.query.traces.spans import Span


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
    listed; of logs, how many of the listed ones."""

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


def log_marks(spans: Sequence[Span], beside: Beside, axis: Axis) -> dict[int, list[Mark]]:
    """Place of a span -> its logs. They move with it, where it was moved."""
    places = place_of(spans)
    found: dict[int, list[Mark]] = defaultdict(list)
    for log in beside.logs.first:
        n = places.get(log.span_id or "")
        if n is not None:
            at = parse_time(log.timestamp) - parse_time(spans[n].start) + spans[n].start_us
            kind = "error" if log.level in ("error", "fatal") else "log"
            found[n].append(Mark(kind, axis.at(at), f"{log.level}: {log.message}"))
    return found


def lanes(spans: Sequence[Span], beside: Beside, clock: Clock, axis: Axis) -> list[Lane]:
    """What is stored without a span: errors and calls always, logs where they don't name one of these."""
    places = place_of(spans)
    logs = [
        (parse_time(log.timestamp), f"{log.level}: {log.message}")
        for log in beside.logs.first
        if (log.span_id or "") not in places
    ]
    errors = [(parse_time(error.timestamp), f"{error.type}: {error.message}") for error in beside.errors.first]
    found = [
        Lane(_counted(beside.errors.count, "error"), _marks("error", errors, clock, axis), []),
        Lane(_counted(beside.llm_calls.count, "LLM call"), [], _frames(beside.llm_calls.first, clock, axis)),
        Lane(_without_span(len(logs), beside.logs), _marks("log", logs, clock, axis), []),
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


def _without_span(count: int, logs: Short[TraceLog]) -> str:
    listed = len(logs.first)
    return f"{_counted(count, 'log')} without a span" + (f", of the first {listed}" if listed < logs.count else "")


def _marks(kind: str, moments: list[tuple[int, str]], clock: Clock, axis: Axis) -> list[Mark]:
    return [Mark(kind, axis.at(at - clock.began), text) for at, text in moments if clock.covers(at)]


def _frames(calls: Sequence[TraceCall], clock: Clock, axis: Axis) -> list[Frame]:
    """A call is stored with the time at which it was over."""
    found: list[Frame] = []
    for call in calls:
        end = parse_time(call.timestamp) - clock.began
        start = end - call.latency_ms * 1000
        if end >= 0 and start <= clock.us:
            (piece,) = axis.pieces("llm", [Stretch(max(0, start), min(end, clock.us))])
            found.append(Frame(call_text(call), piece.x, piece.width))
    return found
