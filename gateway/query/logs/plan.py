"""What a search will cost: its steps, planned from the counts per five minutes (reading.md, "Steps")."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.query.language import Cost
from gateway.query.logs.rollup import FIVE_MINUTES, SECONDS, begin_within
from gateway.query.parameters import Parameters
from gateway.query.range import Range
from gateway.query.reader import Reader, Rows
from gateway.query.source import Source
from gateway.query.steps import BUCKET_US, MAX_PARSED_ROWS, MAX_ROWS, Step, steps
from gateway.query.times import format_time
from shared.signals.logs import LOGS

MOST_BUCKETS = 8_928
"""Buckets that one search plans with: 31 days of five minutes. An older rest is for the next search."""

MOST_ROWS = 20_000_000
"""Most rows that one question searches through: some forty steps."""

BUDGET = (
    "How many rows may be searched through, where any must be. Then the answer may stop early: it is about what is no"
    " older than `searched_to`."
)
"""What the parameter `budget` means."""


@dataclass(frozen=True)
class Searched:
    """How far a search went: back to this time (microseconds), through about so many rows of those in the range."""

    to: int
    rows: int
    of: int

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Searched-To": format_time(self.to), "X-Searched-Rows": f"{self.rows}/{self.of}"}


@dataclass(frozen=True)
class Plan:
    """The steps of a search, one at least. `rows`: those of the range. `whole`: whether the steps reach its start."""

    steps: list[Step]
    rows: int
    whole: bool

    def within(self, budget: int) -> Iterator[tuple[Step, Searched]]:
        """The steps that so many rows have room for, one at least; with each how far it brings the search."""
        rows = 0
        for step in self.steps:
            if rows and rows + step.rows > budget:
                return
            rows += step.rows
            yield step, Searched(step.start, rows, self.rows)

    def is_done(self, searched: Searched) -> bool:
        """Whether nothing of the range is left."""
        return self.whole and searched.to == self.steps[-1].start


def parse_budget(given: Parameters) -> int:
    """`budget`. What can't be used becomes an issue of `given`."""
    return given.integer("budget", MOST_ROWS, least=1, most=MOST_ROWS)


async def plan_search(reader: Reader, project_id: str, range: Range, cost: Cost) -> Plan:
    """`cost`: of the conditions. Raises `Unavailable`."""
    buckets = Range(range.start // BUCKET_US * BUCKET_US, range.end)
    source = Source.of(reader.database, LOGS.name, project_id, [begin_within(buckets)])
    return await source.read(
        reader,
        lambda rows: _plan(rows, range, cost),
        f"{SECONDS}, count(), sum(count()) OVER ()",
        f"GROUP BY {FIVE_MINUTES} ORDER BY {FIVE_MINUTES} DESC LIMIT {MOST_BUCKETS}",
    )


def _plan(rows: Rows, range: Range, cost: Cost) -> Plan:
    counts = {seconds * 1_000_000: count for seconds, count, _ in rows}
    whole = len(counts) < MOST_BUCKETS
    start = range.start if whole else max(range.start, min(counts))
    most = MAX_PARSED_ROWS if cost >= Cost.ATTRIBUTES else MAX_ROWS
    return Plan(list(steps(start, range.end, counts, most)), rows[0][2] if rows else 0, whole)
