"""How the use of models went over a range, and what a month of it cost: what pages show beside `find_usage`
(reading.md, "Usage of models")."""

from typing import NamedTuple

from gateway.query.asked import Asked
from gateway.query.buckets import Width
from gateway.query.language import Condition
from gateway.query.llm.fields import LANGUAGE
from gateway.query.llm.figures import USED, Used
from gateway.query.range import Range
from gateway.query.reader import Reader
from gateway.query.source import Source
from shared.signals.llm import SIGNAL

_S = 1_000_000
_HOUR = "toUnixTimestamp(toStartOfHour(timestamp))"
"""Seconds since the epoch."""


class Step(NamedTuple):
    """`start`: microseconds."""

    start: int
    used: Used


async def find_course(reader: Reader, project_id: str, asked: Asked, width: Width) -> list[Step]:
    """The buckets that have calls, in order. Raises `TooBig`, `Unavailable`."""
    source = Source.of(reader.database, SIGNAL.table.name, project_id, asked.conditions(LANGUAGE))
    return await source.read(
        reader,
        lambda rows: [Step(start, USED.row(used)) for start, *used in rows],
        f"{width.sql('timestamp')} AS bucket, {USED.select}",
        "GROUP BY bucket ORDER BY bucket",
    )


async def find_cost(reader: Reader, project_id: str, range: Range) -> float:
    """US dollars, of all calls in the hours that begin in a range. The rollup by hour answers it. Raises
    `Unavailable`."""
    [(cost,)] = await cost_source(reader.database, project_id, range).rows(reader, COST)
    return float(cost)


COST = "sum(cost_usd)"


def cost_source(database: str, project_id: str, range: Range) -> Source:
    bounds = {"start": range.start // _S, "end": range.end // _S}
    begins = Condition(f"{_HOUR} >= %(start)s AND {_HOUR} <= %(end)s", bounds)
    return Source.of(database, SIGNAL.table.name, project_id, [begins])
