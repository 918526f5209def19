"""Random logs, and random questions about them."""

from random import Random
from typing import Any

from tests.integration.gateway.query.documents import document
from tests.integration.gateway.query.questions import DAY_US, HOUR
from tests.integration.gateway.query.read_api import DAY, NOON

FIVE_MINUTES = 300_000_000

ATOMS = [
    *("level:>=warn", "level:error", "service:*", "service:a*", "env:prod", "-service:(api OR web)") * 2,
    *("user:u1", "declined", "release:r1", "attr.a:*", "attr.a.b:3"),
]
"""Most of them are of columns that the rollup knows."""


def log(random: Random) -> dict[str, Any]:
    """Some at the edges of five minutes, some at the same microsecond, a few before 1970."""
    moment = NOON + random.randrange(-DAY_US, DAY_US)
    edge = moment - moment % FIVE_MINUTES - random.choice([0, 1])
    return {
        "timestamp": random.choice([moment, edge, edge, NOON, NOON + HOUR]),
        "level": random.choice(["debug", "info", "warn", "error"]),
        "service": random.choice(["", "api", "app", "web"]),
        "environment": random.choice(["prod", "staging"]),
        "release": random.choice(["", "r1", "r2"]),
        "message": random.choice(["card declined", "paid", "x" * 600 + random.choice("yz")]),
        "user_id": random.choice(["", "u1", "u2"]),
        "user_email": random.choice(["", "a@b.example"]),
        "attributes": random.choice(["", document(random), document(random)]),
        "_index": random.randrange(10),
    }


def logs(seed: int, n: int) -> list[dict[str, Any]]:
    random = Random(seed)
    odd = [{**log(random), "timestamp": moment} for moment in (-DAY, 5, 0, -1)]
    return [*(log(random) for _ in range(n)), *odd, *({**log(random), "project_id": "q"} for _ in range(n // 5))]
