"""Which parameters are allowed, and how others are refused: FastAPI's 422 body (contracts.md, "Reading logs")."""

from typing import Any

import pytest

from gateway.query.language import render
from gateway.query.logs.filters import LogQuery, parse_log_query
from gateway.query.parameters import Parameters
from gateway.query.place import Place, encode_place
from gateway.query.refusals import BadQuery

LEVELS = "'trace', 'debug', 'info', 'warn', 'error' or 'fatal'"


def parse(*items: tuple[str, str]) -> LogQuery:
    return parse_log_query(Parameters(items))


def issues(*items: tuple[str, str]) -> list[dict[str, Any]]:
    with pytest.raises(BadQuery) as refused:
        parse(*items)
    body = refused.value.answer
    assert list(body) == ["detail"]
    return list(body["detail"])


def test_without_parameters_it_is_the_first_hundred_of_all() -> None:
    assert parse() == LogQuery(limit=100, offset=0)


def test_empty_values_are_absent() -> None:
    names = ("levels", "search", "start_time", "end_time", "limit", "offset", "cursor", "include", "trace_id", "attr.a")
    assert parse(*((name, "") for name in names)) == LogQuery()


@pytest.mark.parametrize(
    ("item", "issue"),
    [
        (
            ("limit", "abc"),
            {
                "type": "int_parsing",
                "loc": ["query", "limit"],
                "msg": "Input should be a valid integer, unable to parse string as an integer",
                "input": "abc",
            },
        ),
        (
            ("limit", "0"),
            {
                "type": "greater_than_equal",
                "loc": ["query", "limit"],
                "msg": "Input should be greater than or equal to 1",
                "input": "0",
                "ctx": {"ge": 1},
            },
        ),
        (
            ("limit", "1001"),
            {
                "type": "less_than_equal",
                "loc": ["query", "limit"],
                "msg": "Input should be less than or equal to 1000",
                "input": "1001",
                "ctx": {"le": 1000},
            },
        ),
        (
            ("levels", "error,urgent"),
            {
                "type": "literal_error",
                "loc": ["query", "levels"],
                "msg": f"Input should be {LEVELS}",
                "input": "urgent",
                "ctx": {"expected": LEVELS},
            },
        ),
        (
            ("start_time", "yesterday"),
            {
                "type": "datetime_from_date_parsing",
                "loc": ["query", "start_time"],
                "msg": "Input should be a valid datetime or date, write it as 2025-01-15T10:30:00Z",
                "input": "yesterday",
                "ctx": {"error": "write it as 2025-01-15T10:30:00Z"},
            },
        ),
        (
            ("level", "error"),
            {
                "type": "extra_forbidden",
                "loc": ["query", "level"],
                "msg": "Extra inputs are not permitted",
                "input": "error",
            },
        ),
    ],
)
def test_a_bad_value_is_named_as_fastapi_does(item: tuple[str, str], issue: dict[str, Any]) -> None:
    (told,) = issues(item)
    assert told == issue
    assert list(told) == list(issue)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("offset", "-1"),
        ("offset", "100001"),
        ("limit", "1.5"),
        ("limit", "9" * 5000),
        ("limit", "-" + "9" * 5000),
        ("limit", "١٠"),
        ("end_time", "2026-02-30"),
        ("end_time", "2026-01-15T25:00:00Z"),
        ("end_time", "2026-01-15T10:00:60Z"),
        ("end_time", "2026-01-15T10:00:00+24:00"),
        ("end_time", "0000-01-01"),
        ("end_time", "1768478400"),
        ("cursor", "nonsense"),
        ("cursor", "ü"),
        ("include", "password"),
        ("attr.", "x"),
        ("api_key", "dt_x"),
    ],
)
def test_values_out_of_range_and_unknown_names_are_refused(name: str, value: str) -> None:
    (told,) = issues((name, value))
    assert told["loc"] == ["query", name]
    assert told["input"] == value


def test_everything_wrong_is_told_at_once() -> None:
    told = issues(("limit", "x"), ("levels", "loud"), ("foo", "1"), ("offset", "x"))
    assert sorted(issue["loc"][1] for issue in told) == ["foo", "levels", "limit", "offset"]


def test_a_start_after_the_end_is_refused() -> None:
    (told,) = issues(("start_time", "2026-01-16"), ("end_time", "2026-01-15T23:59:59Z"))
    assert told["loc"] == ["query", "start_time"]


def test_a_cursor_and_an_offset_do_not_go_together() -> None:
    cursor = encode_place(Place(1, 2, 3, 4, 5, "logs"))
    (told,) = issues(("cursor", cursor), ("offset", "10"))
    assert told["loc"] == ["query", "offset"]


def test_of_a_repeated_parameter_the_last_counts_but_levels_are_joined() -> None:
    query = parse(("limit", "5"), ("limit", "7"), ("levels", "error"), ("levels", "warn,error"))
    assert (query.limit, query.levels) == (7, ("error", "warn"))


def test_more_attributes_than_a_statement_should_have_are_refused() -> None:
    assert len(parse(*((f"attr.a{n}", "1") for n in range(49)), (f"attr.{'a.' * 49}", "1")).attributes) == 50
    (issue,) = issues(*((f"attr.a{n}", "1") for n in range(60)))
    assert (issue["loc"], issue["msg"]) == (["query", "attr.a50"], "Value error, give at most 50 attributes")
    (issue,) = issues((f"attr.{'a.' * 50}", "1"))
    assert issue["msg"] == "Value error, a path has at most 50 parts"


def test_a_list_of_issues_ends_somewhere() -> None:
    assert len(issues(("levels", "x," * 100_000))) == 100


def test_q_is_read_as_the_language_says() -> None:
    query = parse(("q", "level:error foo:bar"))
    assert (render(query.q), query.hints) == ('level:error "foo:bar"', ("foo: no such field; attr.foo?",))
    assert parse(("q", "(")).hints == ("searched as plain text: unmatched ( at 1",)


def test_a_query_over_the_limits_is_refused_with_what_to_do() -> None:
    (told,) = issues(("q", "a " * 51))
    assert told["loc"] == ["query", "q"]
    assert told["msg"] == 'Value error, a query has at most 50 terms; put a pasted text between quotes: "..."'
    (told,) = issues(("q", "x" * 2049))
    assert (told["type"], told["msg"], told["ctx"]) == (
        "string_too_long",
        "String should have at most 2048 characters",
        {"max_length": 2048},
    )


@pytest.mark.parametrize("budget", ["0", "10000001", "rows"])
def test_a_budget_is_a_number_of_rows(budget: str) -> None:
    assert parse(("budget", "500")).budget == 500
    (told,) = issues(("budget", budget))
    assert told["loc"] == ["query", "budget"]
