"""How something went over a range: its count in each of 24 equal parts."""

from typing import Any

from gateway.query.range import Range

PARTS = 24


def trend_sql(range: Range) -> tuple[str, dict[str, Any]]:
    """The expression of the counts, and its values. The last part may be shorter by less than 24 µs."""
    part = "intDiv(toUnixTimestamp64Micro(timestamp) - %(trend_start)s, %(trend_part)s)"
    values = {"trend_start": range.start, "trend_part": -(-(range.end - range.start + 1) // PARTS)}
    return f"countResample(0, {PARTS}, 1)({part})", values
