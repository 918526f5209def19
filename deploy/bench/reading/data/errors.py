"""The errors: 2,000 groups, of which the first few hold most, with stacks of 20 lines of Node."""

from deploy.bench.reading.data.made import Made, common, moment_of, request_of, user
from deploy.bench.reading.data.sql import at, below, crowded, in_quotes, json, often, one_of
from deploy.bench.reading.data.week import FINGERPRINT, Week

GROUPS = 2_000
_TYPES = ("TypeError", "RangeError", "PaymentDeclined", "TimeoutError", "ValidationError", "FetchError")
_MESSAGES = (
    "Cannot read properties of undefined (reading 'items')",
    "Maximum call stack size exceeded",
    "card of customer declined: limit reached",
    "upstream did not answer within 5000 ms",
    "order has no lines",
    "request to https://pay.example/v1/charges failed",
)
_FILES = ("orders", "billing", "checkout", "stock", "session", "mailer", "export", "search")
_FRAME = (
    "concat('\\n    at step', toString((`group` + line) % 97), ' (/srv/app/src/',"
    f" {at('(`group` + line) % 8', _FILES)}, '.ts:',"
    "  toString(10 + (`group` * 31 + line * 7) % 900), ':15)')"
)
_FRAMES = f"arrayStringConcat(arrayMap(line -> {_FRAME}, range(20)))"
_CRUMB = json(
    {
        "type": in_quotes("'http'"),
        "message": in_quotes("'GET /api/orders/', toString(place)"),
        "timestamp": in_quotes("'2026-01-15T12:00:00Z'"),
    }
)


def errors(week: Week) -> Made:
    return Made(
        "errors",
        week.errors,
        named={
            "request": request_of(week, week.errors),
            "moment": moment_of(week, week.errors),
            "group": crowded(GROUPS, "group", 3.0),
            "kind": f"`group` % {len(_TYPES)}",
            "text": f"concat({at('kind', _MESSAGES)}, ' at order ', toString({below(1000, 'order')}))",
        },
        columns={
            **common("errors"),
            "event_id": "lower(hex(MD5(concat('event ', toString(number)))))",
            "fingerprint": FINGERPRINT,
            "fingerprint_version": "2",
            "fingerprint_parts": f"concat('[\"v2\",\"', {at('kind', _TYPES)}, '\",\"step', toString(`group`), '\"]')",
            "type": at("kind", _TYPES),
            "error_message": "text",
            "stack_trace": f"concat({at('kind', _TYPES)}, ': ', text, {_FRAMES})",
            "severity": one_of(("low", "medium", "high", "critical"), "severity"),
            "level": "'error'",
            "handled": below(2, "handled"),
            "attributes": json({"route": in_quotes("'/api/orders'"), "order_id": f"toString({below(1000, 'order')})"}),
            "breadcrumbs": f"concat('[', arrayStringConcat(arrayMap(place -> {_CRUMB}, range(5)), ','), ']')",
            "session_id": often(80, "session", f"concat('s_', toString({below(20_000, 'session id')}))"),
            "url": "'https://shop.example/cart'",
            "platform": "'node'",
            "format": "'deeptracer.errors'",
            **user(80),
        },
    )
