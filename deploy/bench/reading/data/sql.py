"""Expressions of ClickHouse that are random and yet the same for each row at each run: hashes of its number."""

from collections.abc import Mapping, Sequence


def below(n: int, salt: str, of: str = "number") -> str:
    """An integer from 0 to `n` - 1. Another `salt`, other integers; `of`: what has the same one."""
    return f"cityHash64({of}, '{salt}') % {n}"


def crowded(n: int, salt: str, power: float) -> str:
    """The same, but the small ones are far more frequent."""
    return f"toUInt32(pow(cityHash64(number, '{salt}') % 1000000 / 1e6, {power}) * {n})"


def at(index: str, values: Sequence[str]) -> str:
    """One of these texts, from 0."""
    return f"arrayElement([{', '.join(map(quoted, values))}], 1 + {index})"


def one_of(values: Sequence[str], salt: str, of: str = "number") -> str:
    """One of these texts at random."""
    return at(below(len(values), salt, of), values)


def often(percent: int, salt: str, value: str, otherwise: str = "''") -> str:
    """`value` in so many of 100 rows."""
    return f"if({below(100, salt)} < {percent}, {value}, {otherwise})"


def json(values: Mapping[str, str]) -> str:
    """A JSON object. `values`: key -> expression of what stands behind it."""
    parts = [f"{quoted(f'{chr(34)}{key}{chr(34)}:')}, {value}" for key, value in values.items()]
    return "concat('{', " + ", ',', ".join(parts) + ", '}')"


def in_quotes(expression: str) -> str:
    """A text without anything to escape, as JSON has it; for `json` alone."""
    return f"'\"', {expression}, '\"'"


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    return f"'{escaped}'"
