"""What 03 allows as an answer: a status of its route, the shape of its body, and JSON that every parser accepts."""

import json
import re
from math import isinf
from typing import Any

from tests.fuzz.requests import Answer, Request

BROKEN_HTTP = {400, 413}
"""The answers to what isn't HTTP, or has too long a head."""

COMMON = {401, 403, 413, 415}
STATUSES = {
    "deeptracer": {200, 400, 404, *COMMON},
    "proliferate": {202, 422, *COMMON},
    "read": {200, 401, 403, 404, 422},
    "plain": {200},
}

ACCEPTED = {
    "/ingest/logs": r'\{"ok":true,"count":[1-9]\d*\}',
    "/ingest/errors": r'\{"ok":true,"fingerprint":"[0-9a-f]{64}"\}',
    "/ingest/traces": r'\{"ok":true\}',
    "/ingest/llm": r'\{"ok":true\}',
    "/ingest/drain": r'\{"ok":true,"count":\d+\}',
    "/api/v1/logs/batch": r'\{"accepted":\d+,"dropped":\d+\}',
    "/api/v1/errors": r'\{"accepted":\d+,"dropped":\d+\}',
}
LOG_KEYS = (
    *("timestamp", "level", "message", "template", "attributes", "trace_id", "span_id", "user_id", "account_id"),
    *("logger_name", "file_path", "line_number", "function_name"),
)


class Violation(AssertionError):
    """An answer that the contract doesn't allow."""


def accepted(request: Request, answer: Answer) -> int:
    """How many records were accepted according to the answer (pings included)."""
    if answer.status not in (200, 202) or request.method != "POST" or request.route not in ACCEPTED:
        return 0
    body = json.loads(answer.body)
    return int(body.get("count", body.get("accepted", 1)))


def repeated(answer: Answer) -> int:
    """How many of the events in an answer's header have the id of one before them."""
    ids = (answer.header("x-event-id") or "").split(",")
    return len(ids) - len(set(ids))


def check(request: Request, answer: Answer) -> None:
    """Raise `Violation` for an answer that 03 doesn't document for this request."""
    try:
        _check(request, answer)
    except AssertionError as error:
        raise Violation(f"{error}\n{request}\nanswered {answer.status} {answer.body[:2000]!r}") from None


def _check(request: Request, answer: Answer) -> None:
    _status(request, answer)
    assert re.fullmatch(r"[0-9a-f]{16}-[0-9a-f]{8,}", answer.header("x-request-id") or ""), "no X-Request-Id"
    if answer.status in (429, 503):
        assert (answer.header("retry-after") or "").isdecimal(), "no Retry-After"
    if answer.status == 405:
        assert answer.header("allow"), "no Allow"
    if answer.status == 204 or request.method == "HEAD":
        assert not answer.body, "a body where none may be"
        return
    if request.route.startswith("/metrics") and answer.status == 200:
        return
    assert answer.header("content-type") == "application/json", "no JSON"
    body = strict_json(answer.body)
    if answer.status < 300:
        _success(request, body, answer.body.decode())
    elif request.target.startswith(b"/api/v1/") and answer.status != 400:
        _proliferate_error(answer.status, body)
    else:
        _deeptracer_error(answer.status, body)


def _status(request: Request, answer: Answer) -> None:
    if answer.status == 503:
        assert request.has_name, "503 without a repeat that is under way"
        assert request.method == "POST", "503 to what stores nothing"
    elif request.method == "OPTIONS":
        assert answer.status in (204, 404, *BROKEN_HTTP), "no answer to OPTIONS"
    elif request.route == "" or answer.status == 405:
        assert answer.status < 500, "a failure"
    else:
        assert answer.status in STATUSES[_kind(request.route)] | BROKEN_HTTP, "not documented"


def _kind(route: str) -> str:
    if "{" in route and route.startswith("/api/"):
        return "read"
    if route.startswith("/ingest/"):
        return "deeptracer"
    return "proliferate" if route.startswith("/api/") else "plain"


def strict_json(text: bytes) -> Any:
    """The value of a JSON text that strict parsers accept: without NaN, and without numbers beyond a double's range."""

    def number(digits: str) -> float:
        assert not isinf(float(digits)), f"a number that no double holds: {digits[:20]}"
        return float(digits)

    def constant(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    try:
        return json.loads(text.decode(), parse_float=number, parse_constant=constant, parse_int=number)
    except (ValueError, RecursionError) as error:
        raise AssertionError(f"not readable: {error!r}") from None


def _success(request: Request, body: Any, text: str) -> None:
    if request.method == "POST" and request.route in ACCEPTED:
        assert re.fullmatch(ACCEPTED[request.route], text), "not the success of this route"
    elif _kind(request.route) == "read":
        assert list(body) == ["logs", "total", "has_more"], "not the keys of a page"
        for log in body["logs"]:
            assert tuple(log)[: len(LOG_KEYS)] == LOG_KEYS, "not the keys of a log"
            assert isinstance(log["attributes"], dict), "attributes are no object"


def _deeptracer_error(status: int, body: Any) -> None:
    if body.keys() == {"success", "error"}:
        assert status == 400, "Zod's words with another status"
        assert body["error"]["name"] == "ZodError", "not Zod's words"
        assert body["error"]["issues"], "no issue"
        assert all({"code", "path", "message"} <= issue.keys() for issue in body["error"]["issues"]), "not Zod's words"
    else:
        assert body.keys() in ({"error"}, {"code", "error"}), "not an error body"
        assert isinstance(body["error"], str), "no sentence"


def _proliferate_error(status: int, body: Any) -> None:
    assert body.keys() == {"detail"}, "not an error body"
    if isinstance(body["detail"], str):
        return
    assert status == 422, "a list of faults with another status"
    assert body["detail"], "no fault"
    for fault in body["detail"]:
        assert list(fault)[:4] == ["type", "loc", "msg", "input"], "not FastAPI's keys"
        assert set(fault) <= {"type", "loc", "msg", "input", "ctx"}, "not FastAPI's keys"
