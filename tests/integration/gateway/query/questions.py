"""Random questions about few rows, and the rows that plain SQL finds for them: from these the numbers of an answer are
counted again, in Python."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from gateway.query.asked import Asked
from gateway.query.language import Language
from gateway.query.range import Range
from gateway.query.times import format_time, parse_time
from tests.integration.gateway.query.read_api import NOON, Store

HOUR = 3_600_000_000
DAY_US = 24 * HOUR


def queries(atoms: Sequence[str]) -> st.SearchStrategy[str]:
    """Queries of these terms; often none."""
    terms = st.recursive(
        st.sampled_from(atoms),
        lambda inner: st.one_of(
            inner.map(lambda query: f"-({query})"),
            st.tuples(inner, st.sampled_from([" ", " OR "]), inner).map(lambda parts: f"({''.join(parts)})"),
        ),
        max_leaves=4,
    )
    return st.one_of(st.just(""), st.just(""), terms)


RANGES = st.tuples(st.integers(-12 * HOUR, 12 * HOUR), st.integers(0, 24 * HOUR)).map(
    lambda pair: Range(NOON + pair[0], NOON + pair[0] + pair[1])
)


def asking(query: str, range: Range) -> dict[str, str]:
    """The parameters of a question."""
    given = {"q": query} if query else {}
    return {**given, "start_time": format_time(range.start), "end_time": format_time(range.end)}


def found_rows(store: Store, table: str, language: Language, query: str, range: Range) -> list[dict[str, Any]]:
    """Every row of project `p` that a question is about, the newest first. Times are microseconds."""
    asked = Asked(range, language.parse(query).tree)
    conditions = [c for c in asked.conditions(language) if "received_at" not in c.sql]
    values = {name: value for c in asked.conditions(language) for name, value in c.values.items()}
    where = " AND ".join(["project_id = 'p'", *(c.sql for c in conditions)])
    columns = store.columns(table)
    selected = ", ".join(f"toUnixTimestamp64Micro({c})" if c in ("timestamp", "received_at") else c for c in columns)
    order = "timestamp DESC, received_at DESC, _partition DESC, _offset DESC, _index DESC, _topic DESC"
    rows = store.clickhouse.query(f"SELECT {selected} FROM {table} WHERE {where} ORDER BY {order}", values)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def moment(text: str) -> int:
    return parse_time(text)


def most_common(counts: Mapping[Any, int], n: int) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:n]
