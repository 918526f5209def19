"""The Proliferate routes refuse a body in FastAPI's shape (contracts.md, "Proliferate API")."""

import json
from typing import Any

import msgspec
import pytest

from gateway.apis.proliferate import API
from gateway.rejections import Rejection
from gateway.validation.contract import node_of
from gateway.validation.faults import Walker
from shared.formats import proliferate_logs
from tests.validating import Door

VALIDATOR = Door(proliferate_logs)
NOT_AN_OBJECT = "Input should be a valid dictionary or object to extract fields from"


def refused(body: bytes) -> list[dict[str, Any]]:
    with pytest.raises(Rejection) as raised:
        VALIDATOR.validate(body)
    answer = API.answer(raised.value)
    assert answer.status == 422
    detail: list[dict[str, Any]] = json.loads(answer.body)["detail"]
    return detail


def test_no_logs_is_missing_and_the_echo_leaves_the_key_out() -> None:
    body = {"environment": "e", "api_key": "pk_secret", "nested": [{"api_key": "pk_secret", "a": 1}]}
    assert refused(json.dumps(body).encode()) == [
        {
            "type": "missing",
            "loc": ["body", "logs"],
            "msg": "Field required",
            "input": {"environment": "e", "nested": [{"a": 1}]},
        }
    ]


def test_the_keys_of_a_detail_stand_in_fastapis_order() -> None:
    detail = refused(b'{"logs":[' + b"0," * 100 + b"0]}")[0]
    assert list(detail) == ["type", "loc", "msg", "input", "ctx"]


def test_over_100_logs_are_too_long() -> None:
    message = "List should have at most 100 items after validation, not 101"
    context = {"field_type": "List", "max_length": 100, "actual_length": 101}
    entries = [{"level": "info", "message": "m" * 20}] * 101
    assert refused(json.dumps({"logs": entries}).encode()) == [
        {"type": "too_long", "loc": ["body", "logs"], "msg": message, "input": None, "ctx": context}
    ]


@pytest.mark.parametrize("logs", [None, 5, "x", {}])
def test_logs_of_another_type_are_no_list(logs: Any) -> None:
    assert refused(json.dumps({"logs": logs}).encode()) == [
        {"type": "list_type", "loc": ["body", "logs"], "msg": "Input should be a valid list", "input": logs}
    ]


def test_every_fault_at_the_top_is_listed() -> None:
    assert refused(b'{"logs":[],"release":{},"environment":5}') == [
        {"type": "string_type", "loc": ["body", "environment"], "msg": "Input should be a valid string", "input": 5},
        {"type": "string_type", "loc": ["body", "release"], "msg": "Input should be a valid string", "input": {}},
    ]


@pytest.mark.parametrize("body", [None, [], "x", 5, True])
def test_a_body_that_is_no_object_is_told_so(body: Any) -> None:
    assert refused(json.dumps(body).encode()) == [
        {"type": "model_attributes_type", "loc": ["body"], "msg": NOT_AN_OBJECT, "input": body}
    ]


def test_an_empty_body_is_missing() -> None:
    assert refused(b"") == [{"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}]


@pytest.mark.parametrize(
    ("body", "place", "reason"),
    [
        (b" ", 1, "Expecting value"),
        (b"{", 1, "Expecting property name enclosed in double quotes"),
        (b'{"logs":[]}x', 11, "Extra data"),
        (b'{"a":"\n"}', 6, "Invalid control character at"),
        (b'{"logs":[{"level":"info","message":"m","timestamp":1e400}]}', 0, "A number that no double holds, or nested"),
        (b'{"logs":' + b"[" * 5000 + b"]" * 5000 + b"}", 0, "A number that no double holds, or nested"),
        (b'{"logs":' + b" " * 1_000_000, 0, "No JSON"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_json_is_told_with_its_place(body: bytes, place: int, reason: str) -> None:
    (detail,) = refused(body)
    assert detail.pop("ctx")["error"].startswith(reason)
    assert detail == {"type": "json_invalid", "loc": ["body", place], "msg": "JSON decode error", "input": {}}


@pytest.mark.parametrize(("size", "echoed"), [(1_000, True), (1_001, False)])
def test_an_echo_over_a_kilobyte_is_null(size: int, echoed: bool) -> None:
    value = "x" * (size - 2)
    assert refused(json.dumps({"logs": value}).encode())[0]["input"] == (value if echoed else None)


def test_an_echo_that_is_nested_deeply_does_no_harm() -> None:
    for depth in range(100, 495, 5):
        assert refused(b'{"logs":{"a":' + b"[" * depth + b"]" * depth + b"}}")[0]["type"] == "list_type"


class Other(msgspec.Struct):
    """Types that formats of extensions may have."""

    number: float
    whole: int
    flag: bool
    short: msgspec.Raw
    anything: dict[str, Any]
    either: str | int


def test_each_type_has_pydantics_words() -> None:
    sent = {"number": "x", "whole": 1.5, "flag": 1, "short": None, "anything": [], "either": {}}
    told = API.invalid(Walker(API.length).faults(node_of(Other), sent))["detail"]
    assert [(detail["type"], *detail["loc"][1:]) for detail in told] == [
        ("float_type", "number"),
        ("int_from_float", "whole"),
        ("bool_type", "flag"),
        ("dict_type", "anything"),
        ("string_type", "either", "str"),
        ("int_type", "either", "int"),
    ]


def test_a_type_without_words_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="use another type"):
        node_of(bytes)
