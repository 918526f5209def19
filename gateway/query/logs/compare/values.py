"""The values of a log that sets are compared by: columns and attributes, as SQL over a row (reading.md, "Compare")."""

from collections.abc import Mapping

from gateway.query.language.attributes import READABLE
from gateway.query.language.field import ATTRIBUTE
from gateway.query.logs.fields import PATTERN

COLUMNS: Mapping[str, str] = {
    "level": "level",
    "service": "service",
    "environment": "environment",
    "release": "release",
    "logger": "logger_name",
    "file": "file_path",
    "function": "function_name",
    "user": "user_id",
    "account": "account_id",
    PATTERN: PATTERN,
}
"""Field of the language -> column."""

MAX_KEYS = 100
"""Attributes of a log that are looked at, and most bytes of their JSON, of a key, of a value. Longer ones tell nothing
apart."""
MAX_JSON_BYTES = 65_536
MAX_KEY_BYTES = 256
MAX_VALUE_BYTES = 2_048

LOOKED_AT = ", ".join(
    [f"CAST({column} AS String) AS value_{name}" for name, column in COLUMNS.items()]
    + [f"if(length(attributes) > {MAX_JSON_BYTES}, '', {READABLE}) AS json"]
)
"""What `VALUES` is made of, of a row of the table."""


def _last(pairs: str) -> str:
    """Of pairs with equal keys the last one."""
    return (
        f"arrayFilter((pair, nth) -> nth = 1, arrayReverse({pairs}),"
        f" arrayEnumerateUniq(arrayMap(pair -> pair.1, arrayReverse({pairs}))))"
    )


_TOP = _last("JSONExtractKeysAndValuesRaw(json)")
_BELOW = (
    "arrayFlatten(arrayMap(above -> arrayMap(pair -> (concat(above.1, '.', pair.1), pair.2),"
    f" arrayFilter(pair -> position(pair.1, '.') = 0, {_last('JSONExtractKeysAndValuesRaw(above.2)')})),"
    f" arrayFilter(pair -> startsWith(pair.2, '{{') AND position(pair.1, '.') = 0, {_TOP})))"
)
"""The scalars of objects, by their dotted paths. As a filter finds them: a literal key comes before a path."""

_SCALARS = (
    f"arrayFilter(pair -> substring(pair.2, 1, 1) NOT IN ('', '{{', '[', 'n') AND length(pair.1) BETWEEN 1 AND"
    f" {MAX_KEY_BYTES}, {_last(f'arrayConcat({_BELOW}, {_TOP})')})"
)
_ATTRIBUTES = f"arrayMap(pair -> (concat('{ATTRIBUTE}', pair.1), JSONExtractString(pair.2)), {_SCALARS})"
_COLUMNS = ", ".join(f"('{name}', value_{name})" for name in COLUMNS)

VALUES = (
    f"arrayFilter(pair -> length(pair.2) <= {MAX_VALUE_BYTES},"
    f" arrayConcat([('', ''), {_COLUMNS}], arraySlice({_ATTRIBUTES}, 1, {MAX_KEYS})))"
)
"""(field, value) of a row, and once ('', '')."""
