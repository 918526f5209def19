"""What happened before an error, as its client noted it: breadcrumbs of any shape (pages.md, "One error")."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.query.times import clamp, parse_time

MOST = 50
"""The last ones."""


_FAR = 10**15
"""Seconds, or milliseconds, beyond all that can be stored."""

MOST_OPEN = 15
"""Of these, the last ones; the others are unfolded by a click."""


class Crumb(NamedTuple):
    """`after`: microseconds after the error, so less than 0 as a rule; None where it has no time."""

    after: int | None
    kind: str
    text: str


class Crumbs(NamedTuple):
    """`left`: earlier ones that are not shown."""

    crumbs: list[Crumb]
    left: int

    @property
    def folded(self) -> list[Crumb]:
        return self.crumbs[:-MOST_OPEN]

    @property
    def open(self) -> list[Crumb]:
        return self.crumbs[-MOST_OPEN:]


def crumbs_of(stored: Any, moment: int) -> Crumbs:
    """`moment`: of the error, microseconds. What is no object is passed over."""
    if isinstance(stored, dict):  # as Sentry's clients send them
        stored = stored.get("values")
    found = [each for each in stored if isinstance(each, dict)] if isinstance(stored, list) else []
    shown = found[-MOST:]
    return Crumbs([_crumb(each, moment) for each in shown], len(found) - len(shown))


def _crumb(given: Mapping[str, Any], moment: int) -> Crumb:
    at = _time(given.get("timestamp"))
    kind = next((each for name in ("category", "type") if isinstance(each := given.get(name), str) and each), "")
    return Crumb(None if at is None else at - moment, kind, _text(given))


def _text(given: Mapping[str, Any]) -> str:
    """The message, with the data where there are any."""
    message = given.get("message")
    data = given.get("data")
    parts = [message if isinstance(message, str) else "", json.dumps(data, ensure_ascii=False) if data else ""]
    return " ".join(filter(None, parts))


def _time(given: Any) -> int | None:
    """Microseconds of an ISO time, or of seconds or milliseconds since 1970."""
    if isinstance(given, str):
        try:
            return parse_time(given)
        except ValueError:
            return None
    if isinstance(given, bool) or not isinstance(given, int | float) or given != given:
        return None
    near = max(-_FAR, min(given, _FAR))
    return clamp(int(near * (1_000 if abs(near) > 1e11 else 1_000_000)))
