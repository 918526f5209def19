"""Errors of the documented shape (`POST /ingest/errors`): one a request, with a stack of 20 lines of Node."""

from datetime import UTC, datetime, timedelta
from random import Random

import msgspec

from deploy.bench.logs import ENVIRONMENT, RELEASE, SERVICE
from deploy.bench.stacks import StackMaker

_ACTIONS = (
    ("http", "GET /api/orders/{0}"),
    ("ui", "click on button.pay"),
    ("navigation", "/cart -> /checkout/{0}"),
    ("log", "[info] coupon {0} applied"),
)


def bodies(n: int, count: int, starts_at_s: float, seed: int = 1) -> list[bytes]:
    """`count` different request bodies of about 3 kB; `n` is 1, as a request holds one error."""
    assert n == 1
    stacks, random = StackMaker(seed), Random(seed)  # noqa: S311 - no secret
    return [_body(*stacks.stack("node"), random, datetime.fromtimestamp(starts_at_s, UTC)) for _ in range(count)]


def _body(message: str, stack: str, random: Random, now: datetime) -> bytes:
    number = random.randrange(1_000_000)
    error = {
        "service": SERVICE,
        "environment": ENVIRONMENT,
        "release": RELEASE,
        "error_message": message,
        "stack_trace": stack,
        "severity": random.choice(("low", "medium", "high", "critical")),
        "context": {"userId": f"u_{number:06}", "route": f"/api/orders/{number}", "method": "POST", "region": "eu-1"},
        "trace_id": f"{random.getrandbits(128):032x}",
        "user_id": f"u_{number:06}",
        "breadcrumbs": [
            {
                "type": kind,
                "message": action.format(number),
                "timestamp": (now - timedelta(seconds=place)).isoformat(),
            }
            for place, (kind, action) in enumerate(_ACTIONS)
        ],
    }
    return msgspec.json.encode(error)
