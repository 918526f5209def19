"""Exceptions in Sentry's shape, and those of no known shape (contracts.md, "`POST /api/v1/errors`")."""

import json
from typing import Any

import pytest

from shared.formats import proliferate_errors
from tests.unit.shared.formats.test_levels import row_of as row_of_intake
from tests.validating import Door

ERRORS = Door(proliferate_errors)


def row_of(body: object) -> dict[str, Any]:
    return row_of_intake(ERRORS, body)


def chained(*values: object, **more: object) -> dict[str, Any]:
    return {"exception": {"values": list(values)}, **more}


PAY = {"filename": "shop/pay.py", "function": "pay", "lineno": 3}
ROUTE = {"filename": "shop/route.py", "function": "route", "lineno": 10}


def test_an_exception_in_sentrys_shape_is_its_last_value_with_the_others_as_causes() -> None:
    cause = {"type": "KeyError", "value": "'money'", "stacktrace": {"frames": [PAY]}}
    main = {"type": "ValueError", "value": "no money", "mechanism": {"handled": True}}
    main["stacktrace"] = {"frames": [ROUTE, PAY]}
    body = chained(cause, main)
    row = row_of(body)
    assert (row["type"], row["error_message"], row["handled"], row["severity"]) == ("ValueError", "no money", 1, "high")
    assert row["stack_trace"] == (
        "ValueError: no money\n    at pay (shop/pay.py:3)\n    at route (shop/route.py:10)"
        "\n  [cause]: KeyError: 'money'\n    at pay (shop/pay.py:3)"
    )
    assert json.loads(row["attributes"]) == {"exception": body["exception"]}
    assert row["extra"] == {"mechanism": {"handled": True}}


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ([{"type": "A", "value": "a"}, {"mechanism": {}}], "A", "a"),
        ([{"value": "only"}], "Error", "only"),
        ([{"type": 5, "value": ["x"]}], "Error", ""),
        ([{"type": "A", "stacktrace": {"frames": "x"}}, None, 5], "A", ""),
        ([{"type": "A", "stacktrace": {"frames": [None, 5, {}]}}], "A", ""),
    ],
)
def test_whatever_stands_in_sentrys_shape_is_read_leniently(values: list[Any], kind: str, message: str) -> None:
    row = row_of(chained(*values))
    assert (row["error_message"], row["type"] == kind or kind == "Error") == (message, True)
    assert json.loads(row["attributes"])["exception"] == {"values": values}


@pytest.mark.parametrize("exception", [{"class": "E", "text": 1.5}, {"values": []}, {"values": "x"}, {"values": [5]}])
@pytest.mark.parametrize("name", ["extra", "context"])
def test_an_exception_without_a_known_field_is_kept_whole_in_the_attributes(
    exception: dict[str, Any], name: str
) -> None:
    assert json.loads(row_of({"exception": exception})["attributes"]) == {"exception": exception}
    row = row_of({"exception": exception, name: {"tags": {"a": 1}}})
    assert json.loads(row["attributes"]) == {"tags": {"a": 1}, "exception": exception}
    row = row_of({"exception": exception, name: {"exception": "mine"}})
    assert json.loads(row["attributes"]) == {"exception": "mine"}
    assert row["extra"]["exception"] == exception


def test_an_exception_with_known_fields_or_none_leaves_the_attributes_alone() -> None:
    for exception in ({}, {"type": "E"}, {"type": None, "more": 5}, {"mechanism": None}):
        assert row_of({"exception": exception, "extra": {"a": 1}})["attributes"] == b'{"a": 1}'
