"""The logs that all sides get, each in its own encoding: as `POST /api/v1/logs/batch` takes them
(contracts.md, "Proliferate API"), or OTLP."""

from collections.abc import Callable, Mapping
from random import Random
from time import time

import msgspec

from shared.formats.proliferate_logs import INTAKE

USERS, ACCOUNTS, TEMPLATES, FUNCTIONS = 5_000, 300, 40, 40
ENVIRONMENT, RELEASE = "production", "v1.2.3"

_LEVELS = ("info",) * 7 + ("debug", "warn", "error")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One log, its fields as the Proliferate API names them."""

    timestamp: float
    """Seconds since the epoch."""
    level: str
    message: str
    template: str
    attributes: dict[str, str | int]
    trace_id: str
    span_id: str
    user: dict[str, str]
    account: dict[str, str]
    logger_name: str
    file_path: str
    line_number: int
    function_name: str


def same(logs: int, count: int) -> list[list[Entry]]:
    """One list, of the API's own example again and again. The most that compression and caches can win."""
    example = INTAKE.examples["template"]["logs"][0]
    return [[msgspec.convert(example, Entry)] * logs]


def varied(logs: int, count: int) -> list[list[Entry]]:
    """`count` different lists: users, accounts, templates and functions repeat as in a real service, ids don't."""
    random = Random(1)  # noqa: S311 - no secret
    began = time()
    return [[_varied(random, began + (n * logs + i) / 1000) for i in range(logs)] for n in range(count)]


DATA: Mapping[str, Callable[[int, int], list[list[Entry]]]] = {"same": same, "varied": varied}
"""Name -> (logs a list, most lists) to the lists."""


def _varied(random: Random, at_s: float) -> Entry:
    user, account = random.randrange(USERS), random.randrange(ACCOUNTS)
    template, function = random.randrange(TEMPLATES), random.randrange(FUNCTIONS)
    order, took_ms = random.randrange(1_000_000), random.randrange(900)
    return Entry(
        timestamp=round(at_s, 3),
        level=random.choice(_LEVELS),
        message=f"Step {template} of order {order} took {took_ms} ms",
        template=f"Step {template} of order {{order}} took {{took_ms}} ms",
        attributes={"order": order, "took_ms": took_ms, "ip_address": f"10.0.{random.randrange(256)}.{user % 256}"},
        trace_id=f"{random.getrandbits(128):032x}",
        span_id=f"{random.getrandbits(64):016x}",
        user={"id": f"user_{user}", "email": f"user{user}@example.com"},
        account={"id": f"acct_{account}", "name": f"Account {account} Ltd"},
        logger_name=f"service.{function % 8}",
        file_path=f"src/service{function % 8}/orders.py",
        line_number=10 + 7 * function,
        function_name=f"handle_step_{function}",
    )
