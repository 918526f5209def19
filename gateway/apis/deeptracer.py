"""The DeepTracer API. A body's faults are reported as Zod 3.25 reports them: the exact JSON, key order included, that
`safeParse` gives on the documented schema (contracts.md, "Zod's validation errors").

Each check in Zod builds its issue in a key order of its own, so each rule here has one too.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.apis.base import Api
from gateway.apis.shapes import Refusal, SignatureRefusal, ZodRefusal
from gateway.rejections import InvalidSignature, MalformedJson, Rejection
from gateway.validation.contract import Node
from gateway.validation.faults import Fault, Rule, expected_type, json_type

Issue = dict[str, Any]


class DeepTracer(Api):
    """`/ingest/*`, and every path that no other API claims: `{"error": sentence}`."""

    name = "deeptracer"
    utf16_lengths = True
    shapes = (Refusal, SignatureRefusal, ZodRefusal)

    def refusal(self, rejection: Rejection, sentence: str) -> Any:
        if isinstance(rejection, InvalidSignature):
            return {"code": "invalid_signature", "error": sentence}
        return {"error": sentence}

    def invalid(self, faults: Iterable[Fault], more: int = 0) -> Any:
        error = _zod_error(faults)
        if more:
            error["issues"].append({"code": "custom", "message": f"{more} more issues are not listed", "path": []})
        return {"success": False, "error": error}

    def malformed(self, body: bytes) -> Any:
        return {"error": MalformedJson.sentence}  # not in Zod's shape: Zod never sees such a body


API = DeepTracer()


def _zod_error(faults: Iterable[Fault]) -> dict[str, Any]:
    return {"issues": [_ISSUES[fault.rule](fault) for fault in faults], "name": "ZodError"}


def _missing(fault: Fault) -> Issue:
    if fault.node.kind == "union":
        return _union(fault._replace(options=tuple([fault._replace(node=option)] for option in fault.node.options)))
    return _invalid_type(fault, "undefined", "Required")


def _type(fault: Fault) -> Issue:
    received = json_type(fault.value)
    return _invalid_type(fault, received, f"Expected {_expected(fault.node)}, received {received}")


def _invalid_type(fault: Fault, received: str, message: str) -> Issue:
    types = {"expected": _expected(fault.node), "received": received}
    head = types | {"code": "invalid_type"} if fault.node.kind == "choice" else {"code": "invalid_type"} | types
    return head | {"path": fault.path, "message": message}


def _choice(fault: Fault) -> Issue:
    return {
        "received": fault.value,
        "code": "invalid_enum_value",
        "options": fault.node.choices,
        "path": fault.path,
        "message": f"Invalid enum value. Expected {_expected(fault.node)}, received '{fault.value}'",
    }


def _time(fault: Fault) -> Issue:
    return {"code": "invalid_string", "validation": "datetime", "message": "Invalid datetime", "path": fault.path}


def _pattern(fault: Fault) -> Issue:
    return {"code": "invalid_string", "validation": "regex", "message": "Invalid", "path": fault.path}


def _whole(fault: Fault) -> Issue:
    return {
        "code": "invalid_type",
        "expected": "integer",
        "received": "float",
        "message": "Expected integer, received float",
        "path": fault.path,
    }


def _shortest(fault: Fault) -> Issue:
    limit = fault.node.shortest
    return _size(fault, "too_small", "minimum", limit, f"{_contains(fault.node)} at least {_amount(fault.node, limit)}")


def _longest(fault: Fault) -> Issue:
    limit = fault.node.longest
    return _size(fault, "too_big", "maximum", limit, f"{_contains(fault.node)} at most {_amount(fault.node, limit)}")


def _least(fault: Fault) -> Issue:
    limit = fault.node.least
    return _size(fault, "too_small", "minimum", limit, f"Number must be greater than or equal to {limit}")


def _most(fault: Fault) -> Issue:
    limit = fault.node.most
    return _size(fault, "too_big", "maximum", limit, f"Number must be less than or equal to {limit}")


def _union(fault: Fault) -> Issue:
    errors = [_zod_error(option) for option in fault.options]
    return {"code": "invalid_union", "unionErrors": errors, "path": fault.path, "message": "Invalid input"}


_ISSUES: Mapping[Rule, Callable[[Fault], Issue]] = {
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
    "union": _union,
}


def _size(fault: Fault, code: str, name: str, limit: float | None, message: str) -> Issue:
    kind = expected_type(fault.node)
    return {
        "code": code,
        name: limit,
        "type": kind,
        "inclusive": True,
        "exact": False,
        "message": message,
        "path": fault.path,
    }


def _contains(node: Node) -> str:
    return f"{expected_type(node).capitalize()} must contain"


def _amount(node: Node, limit: int | None) -> str:
    return f"{limit} {'element(s)' if node.kind == 'array' else 'character(s)'}"


def _expected(node: Node) -> str:
    return " | ".join(f"'{choice}'" for choice in node.choices) if node.kind == "choice" else expected_type(node)
