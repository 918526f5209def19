"""Which errors of ClickHouse are worth another try, and how long to wait before it
(delivery.md, "When ClickHouse refuses the data")."""

import random

from shared.clients.clickhouse import ClickHouseError, ServerError

TOO_MANY_PARTS = 252
"""One code for two errors: too many partitions in one insert (our fault), too many parts (the server is behind)."""

POISON_CODES = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        38,  # CANNOT_PARSE_DATE
        41,  # CANNOT_PARSE_DATETIME
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND
        70,  # CANNOT_CONVERT_TYPE
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        131,  # TOO_LARGE_STRING_SIZE
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        407,  # DECIMAL_OVERFLOW
        469,  # VIOLATED_CONSTRAINT
    }
)
"""The data itself is refused, and would be again. All other errors are retried: a wrong retry is noticed and fixed, but
a record that is given up by mistake is lost to its owner."""


def is_poison(error: ClickHouseError) -> bool:
    """True if the same rows would always be refused; False if another try may help."""
    if not isinstance(error, ServerError):
        return False
    if error.code == TOO_MANY_PARTS:
        return "Too many partitions" in error.text
    return error.code in POISON_CODES


class Backoff:
    """Pauses between tries: they double from `first_s` to `max_s`, each randomly shortened by up to a half."""

    def __init__(self, max_s: float, first_s: float = 0.1) -> None:
        self._max_s = max_s
        self._first_s = first_s
        self.tries = 0

    def next_s(self) -> float:
        """Seconds to wait after one more failed try."""
        longest = min(self._max_s, self._first_s * 2.0 ** min(self.tries, 30))
        self.tries += 1
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads the tries of many lanes, no secret
