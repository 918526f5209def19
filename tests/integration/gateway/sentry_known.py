"""What becomes of what tests/fixtures/sentry_clients tells, by the columns that are known beforehand: table -> rows."""

from tests.integration.gateway.sentry_told import Row

PERSON = {"user_id": "u1", "user_email": "ann@shop.example"}
MESSAGE = {"type": "message", "error_message": "Look here \U0001f600", "level": "warning", "severity": "medium"}
WAITS = {"message": "order 42 of u1 waits", "level": "warn", "severity_number": 13}
CALL = {"model": "gpt-4o", "provider": "openai", "input_tokens": 12, "output_tokens": 7}

OF_FLASK: dict[str, list[Row]] = {
    "errors": [
        MESSAGE | PERSON,
        {"type": "message", "error_message": "order 42 is lost", "level": "error", "severity": "high"},
        {"type": "ValueError", "error_message": "bad order", "severity": "high", "handled": 1},
        {"type": "LookupError", "error_message": "nobody caught me", "severity": "high", "handled": 0},
    ],
    "spans": [
        {"operation": "order", "kind": "server", "status": "error", "scope_name": "sentry.python.flask"},
        {"operation": "db", "description": "SELECT 1", "kind": "client", "status": "unset"},
        {"operation": "chat gpt-4o", "kind": "client", "status": "ok"},
    ],
    "logs": [
        WAITS | {"template": "order %d of %s waits", "logger_name": "shop.orders", "function_name": "order"},
        {"message": "order 42 is lost", "level": "error", "severity_number": 17, "logger_name": "shop.orders"},
        {"message": "order 42 placed by u1", "level": "info", "template": "order {order} placed by {who}"},
        {"message": "Exception on /orders/42 [GET]", "level": "error", "logger_name": "shop"},  # of Flask itself
    ],
    "llm_calls": [CALL | {"status": "ok"}],
}

OF_JAVASCRIPT: dict[str, list[Row]] = {
    "errors": [
        MESSAGE | PERSON,
        {"type": "RangeError", "error_message": "bad order", "level": "error", "severity": "high", "handled": 1},
    ],
    "spans": [
        {"operation": "GET /orders", "kind": "server", "user_id": "u1"},
        {"operation": "SELECT 1", "kind": "client"},
        {"operation": "chat gpt-4o", "kind": "client"},
    ],
    "logs": [
        WAITS | PERSON | {"template": "order %s of %s waits", "user": {"username": "ann"}},
        {"message": "lost", "level": "fatal", "severity_number": 21, **PERSON},
    ],
    "llm_calls": [CALL],
}
IN_TRANSACTIONS = [
    {"operation": "GET /orders", "kind": "server", "user_id": "u1", "scope_name": "sentry.javascript.node"},
    {"operation": "db", "description": "SELECT 1", "kind": "client"},
    {"operation": "gen_ai.chat", "description": "chat gpt-4o", "kind": "client"},
]
"""The spans, as older SDKs send them."""
UNCAUGHT = {"type": "TypeError", "error_message": "nobody caught me", "severity": "high", "handled": 0}
