"""The newest logs that a query finds, looked for step by step: a sample of all that it finds
(reading.md, "Samples")."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.query.asked import Asked
from gateway.query.language import EVERYTHING
from gateway.query.logs.counted import logs_of
from gateway.query.logs.plan import plan_search
from gateway.query.place import STORED_ORDER
from gateway.query.range import Range
from gateway.query.reader import Reader
from gateway.query.source import Source

MOST_SAMPLED = 10_000
"""Logs of a sample."""

NEWEST_FIRST = f"ORDER BY {', '.join(f'{column} DESC' for column in STORED_ORDER)} LIMIT %(rows)s"


@dataclass(frozen=True)
class Looked:
    """How many logs of a part were looked at. `ended_at`: the time of the oldest, microseconds, where they make the
    sample large enough."""

    rows: int
    ended_at: int | None = None


Look = Callable[[Source, int], Awaitable[Looked]]
"""Looks at the newest logs of a source, at most so many."""


@dataclass(frozen=True)
class Sampled:
    """`rows` logs, all that there are from `searched_to` on (microseconds; of those at this time perhaps not all).
    `all`: whether there are no others in the range."""

    rows: int
    searched_to: int
    all: bool


async def sample(reader: Reader, project_id: str, asked: Asked, look: Look, budget: int) -> Sampled:
    """Show `look` the newest logs, the newest first. `budget`: rows that may be searched through. Raises what `look`
    raises, and `Unavailable`."""
    cost = logs_of(reader, project_id, asked).cost
    enough = MOST_SAMPLED if asked.q == EVERYTHING else 0
    plan = await plan_search(reader, project_id, asked.range, cost, enough)
    rows = 0
    for step, searched in plan.within(budget):
        part = logs_of(reader, project_id, asked, Range(step.start, step.end))
        looked = await look(part, MOST_SAMPLED - rows)
        rows += looked.rows
        if looked.ended_at is not None:
            return Sampled(rows, looked.ended_at, False)
        done = searched
    return Sampled(rows, done.to, plan.is_done(done))
