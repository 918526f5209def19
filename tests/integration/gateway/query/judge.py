"""What a query finds among rows, by brute force in Python: it shares nothing with the SQL but the tree."""

import json
import re
from collections.abc import Mapping
from typing import Any

from gateway.query.language.nodes import (
    And,
    AnyOf,
    Between,
    Compare,
    Exact,
    Glob,
    Node,
    Not,
    Or,
    Present,
    Term,
    Test,
    Text,
)
from tests.integration.gateway.query.documents import Huge, attributes_of, value_of

LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"]
COLUMNS = {
    "service": "service",
    "environment": "environment",
    "release": "release",
    "trace": "trace_id",
    "logger": "logger_name",
    "message": "message",
    "request": "request_id",
    "email": "user_email",
    "account": "account_id",
    "file": "file_path",
    "pattern": "pattern",
}
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""No text holds one: ClickHouse reads an attribute without it."""
NUMERIC = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
UNPLAIN = re.compile(r"-0|-?(?:0|[1-9]\d*)(?=[.eE])(?:\.\d+)?(?:[eE][-+]?\d+)?")


def finds(row: Mapping[str, Any], tree: Node) -> bool:
    match tree:
        case Text(text):
            return text.lower() in row["message"].lower()
        case Not(node):
            return not finds(row, node)
        case And(nodes):
            return all(finds(row, node) for node in nodes)
        case Or(nodes):
            return any(finds(row, node) for node in nodes)
        case Term("level", test):
            return level_passes(row["level"], test)
        case Term("user", test):
            return user_passes(row, test)
        case Term(field, test) if field.startswith("attr."):
            return scalar_passes(value_of(attributes_of(row["attributes"] or "{}"), field[5:]), test)
        case Term(field, test):
            return text_passes(row[COLUMNS[field]], test)
    raise AssertionError(tree)


def pattern_of(message: str, template: str = "") -> str:
    return template or re.sub(r"\S*\d\S*", "*", message[:512], flags=re.ASCII)


def level_passes(level: str, test: Test) -> bool:
    place = LEVELS.index(level)
    match test:
        case Compare(operator, value):
            return compare(place, operator, LEVELS.index(value))
        case Between(low, high):
            return LEVELS.index(low) <= place <= LEVELS.index(high)
    return text_passes(level, test)


def user_passes(row: Mapping[str, Any], test: Test) -> bool:
    if isinstance(test, AnyOf):
        return any(
            is_like(row["user_id"], value) or ("@" in str(value) and is_like(row["user_email"], value))
            for value in test.values
        )
    return bool(row["user_id"] or row["user_email"])


def text_passes(text: str, test: Test) -> bool:
    if isinstance(test, AnyOf):
        return any(is_like(text, value) for value in test.values)
    assert isinstance(test, Present)
    return text != ""


def scalar_passes(value: Any, test: Test) -> bool:
    """`value` is what JSON holds, `...` for nothing."""
    if isinstance(test, Present):
        return value is not ... and value is not None
    if value is ... or isinstance(value, dict | list):
        return False
    if isinstance(test, AnyOf):
        return any(scalar_is(value, each) for each in test.values)
    is_number = isinstance(value, int | float | Huge) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, str) and NUMERIC.fullmatch(value)):
        return False
    if isinstance(test, Compare):
        return compare(float(value), test.operator, float(test.value))
    return float(test.low) <= float(value) <= float(test.high)


def scalar_is(value: Any, wanted: Exact | Glob) -> bool:
    if value is None:
        return wanted == Exact("null")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if is_like(LONE_SURROGATE.sub("", value) if isinstance(value, str) else json.dumps(value), wanted):
        return True
    a_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (
        isinstance(wanted, Exact) and bool(UNPLAIN.fullmatch(wanted.text)) and a_number and value == float(wanted.text)
    )


def is_like(text: str, wanted: Exact | Glob) -> bool:
    if isinstance(wanted, Exact):
        return text == wanted.text
    return re.fullmatch(".*".join(map(re.escape, wanted.pattern.split("*"))), text, re.DOTALL) is not None


def compare(one: float, operator: str, other: float) -> bool:
    return {">=": one >= other, "<=": one <= other, ">": one > other, "<": one < other}[operator]
