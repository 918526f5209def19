"""Why the errors of a group are one: what their fingerprint was made of (pages.md, "One error")."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from gateway.query.errors.ever import BY_CLIENT, Newest

MOST_LINES = 40
MAX_DEPTH = 5


class Why(NamedTuple):
    """`lines`: the parts, as one reads them."""

    version: int
    rule: str
    lines: list[str]


def why_of(newest: Newest) -> Why:
    try:
        parts = msgspec.json.decode(newest.parts)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        parts = []
    if not isinstance(parts, list):
        parts = []
    # The version stands before the parts and the rule behind them, if there is one: both are told in words.
    own = parts[1:] if newest.rule in (None, BY_CLIENT) else parts[1:-1]
    return Why(newest.fingerprint_version, newest.rule or "", list(_lines(own))[:MOST_LINES])


def _lines(part: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(part, list):
        if depth < MAX_DEPTH:
            for each in part:
                yield from _lines(each, depth + 1)
    elif part is not None and part != "":
        yield str(part)
