"""The recorded envelopes, read by a few lines of the tests' own."""

import json
from pathlib import Path
from typing import Any

FILES = Path(__file__).parents[4] / "fixtures" / "sentry"


def items(name: str) -> list[tuple[str, bytes]]:
    """(type, payload) of each item of an envelope; a body of `/store/` is one event."""
    body = (FILES / name).read_bytes()
    if name.endswith(".json"):
        return [("event", body)]
    found = []
    rest = body.partition(b"\n")[2]
    while rest.strip(b"\n"):
        head, _, rest = rest.partition(b"\n")
        header = json.loads(head)
        end = header.get("length", rest.find(b"\n") if b"\n" in rest else len(rest))
        found.append((header["type"], rest[:end]))
        rest = rest[end + 1 :]
    return found


def records(name: str) -> dict[str, list[Any]]:
    """Format -> records, as the gateway takes them out of an envelope."""
    found: dict[str, list[Any]] = {}
    for kind, payload in items(name):
        if kind == "event":
            found.setdefault("sentry.errors", []).append(json.loads(payload))
        elif kind == "transaction":
            transaction = json.loads(payload)
            found.setdefault("sentry.transactions", []).extend([transaction, *transaction.pop("spans")])
        elif kind in ("span", "log"):
            found.setdefault(f"sentry.{kind}s", []).extend(json.loads(payload)["items"])
    return found
