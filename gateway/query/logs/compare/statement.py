"""How often each value is in two sets of logs, and by how much its shares differ, as one statement."""

from collections.abc import Sequence

from gateway.query.logs.compare.values import LOOKED_AT, VALUES
from gateway.query.place import STORED_ORDER
from gateway.query.source import Source

MAX_LOGS = 5_000
"""Of each set: the newest."""

_SIZES = "max(if(field = '', a, 0)) OVER () AS of_a, max(if(field = '', b, 0)) OVER () AS of_b"
_SHARE_A, _SHARE_B = "(a + 1) / (of_a + 2)", "(b + 1) / (of_b + 2)"
_SPREAD = f"sqrt({_SHARE_A} * (1 - {_SHARE_A}) / (of_a + 2) + {_SHARE_B} * (1 - {_SHARE_B}) / (of_b + 2))"
_SCORE = f"if(field = '', 1, abs({_SHARE_A} - {_SHARE_B}) - 1.96 * {_SPREAD})"
"""The end that is nearer to 0 of the 95 % interval of the difference, after Agresti and Caffo (reading.md, "Compare").
A value that is once in either set has none."""


def statement(sets: Sequence[Source]) -> str:
    """Field, value, logs of the first and of the second set, score, and the time of the oldest log of each (µs): the
    greatest difference first. Before them, as the value of the field '', the sizes of the sets. It has the values of
    both sets, and `rows`."""
    newest = " UNION ALL ".join(f"(SELECT {n} AS side, * FROM ({_newest(each)}))" for n, each in enumerate(sets))  # noqa: S608 - SQL of ours
    counts = (
        "SELECT pair.1 AS field, pair.2 AS value, countIf(side = 0) AS a, countIf(side = 1) AS b,"  # noqa: S608 - as above
        " minIf(timestamp, side = 0) AS oldest_a, minIf(timestamp, side = 1) AS oldest_b"
        f" FROM (SELECT side, timestamp, arrayJoin({VALUES}) AS pair FROM ({newest}))"
        " GROUP BY field, value HAVING field = '' OR a > 1 OR b > 1"
    )
    return (
        f"SELECT field, value, a, b, {_SCORE} AS score,"  # noqa: S608 - as above
        " toUnixTimestamp64Micro(oldest_a), toUnixTimestamp64Micro(oldest_b)"
        f" FROM (SELECT *, {_SIZES} FROM ({counts})) WHERE score > 0"
        " ORDER BY field = '' DESC, score DESC, a + b DESC, field, value LIMIT %(rows)s"
    )


def _newest(source: Source) -> str:
    order = ", ".join(f"{column} DESC" for column in STORED_ORDER)
    return source.query(f"timestamp, {LOOKED_AT}", f"ORDER BY {order} LIMIT {MAX_LOGS}")
