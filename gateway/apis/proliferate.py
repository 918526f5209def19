"""The Proliferate API. A body's faults have the shape of FastAPI's 422 (contracts.md, "Proliferate API"): pydantic's
types, sentences and `ctx`.

Every fault echoes the value it found as `input`, without any `api_key`; null if that is over 1 kB.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from gateway.apis.base import Api
from gateway.apis.shapes import Detail, ValidationError
from gateway.rejections import (
    MAX_KEY,
    EventReused,
    InvalidBody,
    KeyReused,
    KeyTooLong,
    MalformedJson,
    Rejection,
    Unauthenticated,
    Unavailable,
    Unreadable,
)
from gateway.validation.contract import Kind, Node
from gateway.validation.faults import Fault, Rule

ECHO_BYTES = 1_000
"""Longest `input`, bytes of JSON."""

_LARGEST_DOUBLE = int(sys.float_info.max)

EXPLAINED_BYTES = 1_000_000
"""Largest body whose JSON error is located."""

Issue = dict[str, Any]

_TYPES: Mapping[Kind, tuple[str, str]] = {
    "object": ("model_attributes_type", "a valid dictionary or object to extract fields from"),
    "array": ("list_type", "a valid list"),
    "string": ("string_type", "a valid string"),
    "time": ("datetime_type", "a valid datetime"),
    "number": ("float_type", "a valid number"),
    "integer": ("int_type", "a valid integer"),
    "boolean": ("bool_type", "a valid boolean"),
}
_OPTIONS: Mapping[Kind, str] = {"string": "str", "time": "datetime", "number": "float", "integer": "int"}
_encode = msgspec.json.Encoder().encode


class Proliferate(Api):
    """`/api/v1/*`: `{"detail": sentence}`."""

    name = "proliferate"
    prefix = "/api/v1/"
    statuses: ClassVar[Mapping[type[Rejection], int]] = dict.fromkeys(
        (MalformedJson, InvalidBody, Unreadable, KeyTooLong, KeyReused, EventReused), 422
    )
    sentences: ClassVar[Mapping[type[Rejection], str]] = {
        Unauthenticated: "Invalid API key",
        Unavailable: "Log storage temporarily unavailable",
    }
    named_numbers = True
    shapes = (Detail, ValidationError)

    def refusal(self, rejection: Rejection, sentence: str) -> Any:
        if isinstance(rejection, Unreadable):
            return {"detail": [_no_json(0, rejection.why)]}
        if isinstance(rejection, KeyTooLong):
            return {"detail": [_TOO_LONG_KEY]}
        return {"detail": sentence}

    def invalid(self, faults: Iterable[Fault], more: int = 0) -> Any:
        issues = [detail for fault in faults for detail in _details(fault, ("body", *fault.path))]
        if more:
            message = f"{more} more errors are not listed"
            issues.append({"type": "too_many_errors", "loc": ["body"], "msg": message, "input": None})
        return {"detail": issues}

    def malformed(self, body: bytes) -> Any:
        if not body:
            return {"detail": [{"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}]}
        return {"detail": [_no_json(*_place(body))]}


API = Proliferate()

_TOO_LONG_KEY = {
    "type": "string_too_long",
    "loc": ["header", "idempotency-key"],
    "msg": f"String should have at most {MAX_KEY} characters",
    "input": None,
    "ctx": {"max_length": MAX_KEY},
}


def _no_json(place: int, why: str) -> Issue:
    detail = {"type": "json_invalid", "loc": ["body", place], "msg": "JSON decode error", "input": {}}
    return detail | {"ctx": {"error": why}}


def _place(body: bytes) -> tuple[int, str]:
    """Where the JSON breaks, and why, in the words of Python's parser. A large body isn't parsed again for this."""
    if len(body) > EXPLAINED_BYTES:
        return 0, "No JSON"
    try:
        json.loads(body)
    except json.JSONDecodeError as problem:
        return problem.pos, problem.msg
    except (RecursionError, ValueError):
        pass
    return 0, "A number that no double holds, or nested too deeply"


def _details(fault: Fault, loc: tuple[str | int, ...]) -> list[Issue]:
    if fault.rule == "union":
        return [
            detail
            for option, faults in zip(fault.node.options, fault.options, strict=True)
            for each in faults
            for detail in _details(each, (*loc, _OPTIONS.get(option.kind, option.kind)))
        ]
    kind, message, context = _WORDS[fault.rule](fault.node, fault.value)
    detail = {"type": kind, "loc": loc, "msg": message, "input": _echo(fault.value)}
    return [detail | {"ctx": context} if context else detail]


Words = tuple[str, str, dict[str, Any]]


def _missing(node: Node, value: Any) -> Words:
    return "missing", "Field required", {}


def _type(node: Node, value: Any) -> Words:
    if node.kind == "choice":
        return _choice(node, value)
    kind, wanted = _TYPES[node.kind]
    if node.kind == "object" and not node.fields:
        kind, wanted = "dict_type", "a valid dictionary"
    return kind, f"Input should be {wanted}", {}


def _choice(node: Node, value: Any) -> Words:
    quoted = [f"'{choice}'" for choice in node.choices]
    expected = " or ".join(part for part in (", ".join(quoted[:-1]), quoted[-1]) if part)
    return "literal_error", f"Input should be {expected}", {"expected": expected}


def _time(node: Node, value: Any) -> Words:
    return "datetime_parsing", "Input should be a valid datetime", {}


def _whole(node: Node, value: Any) -> Words:
    return "int_from_float", "Input should be a valid integer, got a number with a fractional part", {}


def _shortest(node: Node, value: Any) -> Words:
    return _size(node, value, "short", "least", "min_length", node.shortest or 0)


def _longest(node: Node, value: Any) -> Words:
    return _size(node, value, "long", "most", "max_length", node.longest or 0)


def _size(node: Node, value: Any, too: str, at: str, name: str, limit: int) -> Words:
    plural = "" if limit == 1 else "s"
    if node.kind == "string":
        return f"string_too_{too}", f"String should have at {at} {limit} character{plural}", {name: limit}
    message = f"List should have at {at} {limit} item{plural} after validation, not {len(value)}"
    return f"too_{too}", message, {"field_type": "List", name: limit, "actual_length": len(value)}


def _pattern(node: Node, value: Any) -> Words:
    return "string_pattern_mismatch", f"String should match pattern '{node.pattern}'", {"pattern": node.pattern}


def _least(node: Node, value: Any) -> Words:
    return "greater_than_equal", f"Input should be greater than or equal to {node.least}", {"ge": node.least}


def _most(node: Node, value: Any) -> Words:
    return "less_than_equal", f"Input should be less than or equal to {node.most}", {"le": node.most}


_WORDS: Mapping[Rule, Callable[[Node, Any], Words]] = {
    "missing": _missing,
    "type": _type,
    "choice": _choice,
    "time": _time,
    "whole": _whole,
    "shortest": _shortest,
    "longest": _longest,
    "pattern": _pattern,
    "least": _least,
    "most": _most,
}


def _echo(value: Any) -> Any:
    try:
        return _harmless(value) if len(_encode(value)) <= ECHO_BYTES else None
    except RecursionError:
        return None


def _harmless(value: Any) -> Any:
    """The value without API keys, and with null for a number that no double holds: some JSON parsers refuse those."""
    if isinstance(value, dict):
        return {key: _harmless(item) for key, item in value.items() if key != "api_key"}
    if isinstance(value, list):
        return [_harmless(item) for item in value]
    return None if isinstance(value, int) and abs(value) > _LARGEST_DOUBLE else value
