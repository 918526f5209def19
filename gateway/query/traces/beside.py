"""What else happened in a trace: its logs, errors and calls to models, as short lists."""

from typing import Any, Generic, TypeVar

import msgspec

from gateway.query.groups import COLUMN, Grouping
from gateway.query.language import Condition
from gateway.query.place import PLACE_COLUMNS
from gateway.query.range import Range, within
from gateway.query.reader import Reader
from gateway.query.shape import R, Shape, Time
from gateway.query.source import Source
from gateway.query.times import clamp
from gateway.query.together import together
from shared.signals.errors import SIGNAL as ERRORS
from shared.signals.llm import SIGNAL as LLM
from shared.signals.logs import SIGNAL as LOGS

MOST = 100
"""Of each kind: the first ones."""

AROUND_US = 5 * 60 * 1_000_000
"""How long before and after the trace they may be."""

MAX_TEXT = 500
"""Characters of a message."""

E = TypeVar("E", bound=msgspec.Struct)


class TraceLog(msgspec.Struct, frozen=True):
    """`message`: at most 500 characters of it."""

    timestamp: Time
    level: str
    message: str
    span_id: str | None
    service: str | None


class TraceError(msgspec.Struct, frozen=True):
    """`fingerprint`: of the group that it is in. `message`: at most 500 characters of it."""

    timestamp: Time
    event_id: str
    fingerprint: str
    type: str
    message: str
    service: str | None
    span_id: str | None


class TraceCall(msgspec.Struct, frozen=True):
    """`timestamp`: when it was over; of one with a span, when it began."""

    timestamp: Time
    model: str
    provider: str
    operation: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    latency_ms: int
    span_id: str | None


class Short(msgspec.Struct, Generic[E], frozen=True):
    """`count`: of all; the first 100 are here."""

    count: int
    first: list[E]


class Beside(msgspec.Struct, frozen=True):
    """From 5 minutes before the trace to 5 minutes after it."""

    logs: Short[TraceLog]
    errors: Short[TraceError]
    llm_calls: Short[TraceCall]


async def find_beside(
    reader: Reader, project_id: str, grouping: Grouping, trace_id: str, range: Range, state: list[Condition]
) -> Beside:
    """`range`: from the start of the trace to its end. `state`: what of it is looked at. Raises
    `TooBig`, `Unavailable`."""
    around = within(clamp(range.start - AROUND_US), clamp(range.end + AROUND_US))
    of_trace = Condition("trace_id = %(trace_id)s", {"trace_id": trace_id})

    async def first(table: str, shape: Shape[R], values: dict[str, Any] | None = None) -> Short[R]:
        source = Source.of(reader.database, table, project_id, [*around, of_trace, *state])
        return await source.read(
            reader,
            lambda rows: Short(rows[0][-1] if rows else 0, shape.rows(rows)),
            f"{shape.select}, count() OVER ()",
            f"ORDER BY {', '.join(PLACE_COLUMNS)} LIMIT {MOST}",
            values,
        )

    error = Shape(TraceError, {COLUMN: grouping.key.text, "message": _short("error_message")})
    logs, errors, llm_calls = await together(
        first(LOGS.table.name, _LOG),
        first(ERRORS.table.name, error, grouping.key.values),
        first(LLM.table.name, _CALL),
    )
    return Beside(logs, errors, llm_calls)


def _short(column: str) -> str:
    return f"substringUTF8({column}, 1, {MAX_TEXT})"


_LOG = Shape(TraceLog, {"message": _short("message")})
_CALL = Shape(TraceCall)
