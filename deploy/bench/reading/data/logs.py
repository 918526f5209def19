"""The logs: 20 templates of very different frequency, attributes of a service that answers requests."""

from collections.abc import Sequence

from deploy.bench.reading.data.made import Made, common, moment_of, request_of, user
from deploy.bench.reading.data.sql import at, below, crowded, in_quotes, json, often, one_of
from deploy.bench.reading.data.week import Week

COMMON_WORD = "timeout"
"""In every twentieth message."""
RARE_WORD = "deadlock"
"""In every 100,000th message."""
_EVERY = 100_003
_DEADLOCK = "deadlock detected: process {n} waits for ShareLock on transaction {id}"

TEMPLATES: Sequence[tuple[str, str]] = (
    ("info", "GET /api/orders/{n} answered in {ms} ms"),
    ("debug", "Cache miss for session {id}, filled from replica {ms}"),
    ("info", "User {n} signed in from region {ms}"),
    ("debug", "SELECT from orders took {ms} ms and returned {n} rows"),
    ("warn", "Upstream payments timeout after {ms} ms, request {id}"),
    ("info", "POST /api/carts/{id}/items answered in {ms} ms"),
    ("info", "Job {id} of queue emails done by worker {ms}"),
    ("debug", "Feature flag checkout_v2 evaluated for account {n}: bucket {ms}"),
    ("info", "Webhook delivery {id} answered 200 after {ms} ms"),
    ("error", "Payment of order {n} failed: card declined (attempt {ms})"),
    ("info", "Order {n} shipped with label {id}"),
    ("warn", "Slow query on invoices: {ms} ms, plan {id}"),
    ("info", "Coupon {id} applied to order {n}"),
    ("debug", "Connection {ms} of the pool reused, last statement {id}"),
    ("info", "Search for {n} products took {ms} ms"),
    ("warn", "Rate limit of key {id} reached, {n} requests refused"),
    ("info", "Invoice {n} rendered in {ms} ms and stored as {id}"),
    ("error", "Could not reach stock service at 10.0.3.{ms}: connection refused, request {id}"),
    ("info", "Session {id} ended after {n} s"),
    ("fatal", "Worker {ms} ran out of memory at job {id}"),
)
_METHODS = ("GET", "GET", "GET", "POST", "PUT", "DELETE")
_ROUTES = ("/api/orders/:id", "/api/carts/:id/items", "/api/users/:id", "/api/search", "/api/invoices/:id", "/login")
_STATUSES = ("200", "200", "200", "200", "201", "204", "304", "404")
_REGIONS = ("us-east-1", "eu-central-1", "ap-southeast-2")
_PLANS = ("free", "pro", "team", "enterprise")
_LEVELS = {"debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}

ORDERS = 1_000_000
"""How many different values the attribute `order_id` has."""

_ATTRIBUTES = json(
    {
        "http.method": in_quotes(one_of(_METHODS, "method")),
        "http.route": in_quotes(one_of(_ROUTES, "route")),
        "http.status_code": often(3, "failed", "'500'", one_of(_STATUSES, "status")),
        "duration_ms": "toString(ms), '.5'",
        "order_id": f"toString({below(ORDERS, 'order')})",
        "region": in_quotes(one_of(_REGIONS, "region")),
        "host": in_quotes(f"'web-', toString({below(40, 'host')}), '.internal'"),
        "user": f"'{{\"plan\":', {in_quotes(one_of(_PLANS, 'plan'))}, '}}'",
    }
)


def logs(week: Week) -> Made:
    texts = [text for _, text in TEMPLATES]
    template = f"if(number % {_EVERY} = 17, '{_DEADLOCK}', {at('kind', texts)})"
    return Made(
        "logs",
        week.logs,
        named={
            "request": request_of(week, week.logs),
            "moment": moment_of(week, week.logs),
            "kind": crowded(len(TEMPLATES), "kind", 2.0),
            "n": below(1_000_000, "n"),
            "ms": f"{crowded(3000, 'ms', 3.0)}",
            "id": "lower(hex(cityHash64(number, 'id')))",
            "text": template,
            "severity": at("kind", [level for level, _ in TEMPLATES]),
        },
        columns={
            **common("logs"),
            "level": "severity",
            "severity_number": f"transform(severity, {list(_LEVELS)}, {list(_LEVELS.values())}, 9)",
            "message": "replaceAll(replaceAll(replaceAll(text, '{n}', toString(n)), '{ms}', toString(ms)), '{id}', id)",
            "template": often(70, "templated", "text"),
            "attributes": often(90, "with attributes", _ATTRIBUTES, "'{}'"),
            "span_id": "lower(hex(cityHash64(request, intDiv(number, 4))))",
            "request_id": "concat('req_', lower(hex(cityHash64(intDiv(number, 5), 'request'))))",
            "logger_name": one_of(("http.server", "db", "jobs", "billing.service", "auth.service"), "logger"),
            "file_path": "concat('src/part', toString(kind % 8), '.ts')",
            "line_number": "10 + 7 * kind",
            "function_name": "concat('handle', toString(kind))",
            "format": "'deeptracer.logs'",
            **user(70),
        },
    )
