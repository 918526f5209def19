"""What a form says is to be done with groups of errors (pages.md, "Acting on errors")."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from gateway.query.refusals import BadQuery, issue
from gateway.query.triage.body import StateBody
from shared.error_states import MAX_MINUTES

MOST_HOURS = 8_784
"""A year."""

_SHOULD_BE = {
    "do": "one of the buttons of the page",
    "in_release": "a release: 1 to 200 printable characters",
    "count": "a number from 1 to 1,000,000",
    "minutes": f"a number from 1 to {MAX_MINUTES:,}",
    "hours": f"a number from 1 to {MOST_HOURS:,}",
    "assignee": "a name: at most 200 printable characters",
    "note": "1 to 2,000 characters",
}
"""Field -> what a person is told who wrote something else."""

_Fields = Mapping[str, str]


class _Sent(NamedTuple):
    """A form: its fields, who sent it, and when."""

    fields: _Fields
    name: str
    now: datetime

    def number(self, name: str, most: int) -> int:
        """Raises `BadQuery`."""
        text = self.fields[name]
        if not (text.isascii() and text.isdigit() and len(text) < 8 and 1 <= int(text) <= most):
            raise _wrong(name, text)
        return int(text)


_DEEDS: Mapping[str, Callable[[_Sent], dict[str, Any]]] = {
    "open": lambda sent: {"status": "open"},
    "resolve": lambda sent: {"status": "resolved"},
    "resolve-in": lambda sent: {"status": "resolved", "in_release": sent.fields["in_release"]},
    "mute": lambda sent: {"status": "muted"},
    "mute-until": lambda sent: {
        "status": "muted",
        "until": {"count": sent.number("count", 1_000_000), "minutes": sent.number("minutes", MAX_MINUTES)},
    },
    "mute-for": lambda sent: {
        "status": "muted",
        "until_time": sent.now + timedelta(hours=sent.number("hours", MOST_HOURS)),
    },
    "assign": lambda sent: {"assignee": sent.fields["assignee"] or None},
    "assign-me": lambda sent: {"assignee": sent.name},
    "note": lambda sent: {"note": sent.fields["note"].replace("\0", "\ufffd")},
}
"""Value of the button `do` -> the change."""


def body_of(fields: _Fields, name: str, now: datetime) -> StateBody:
    """The change that a form asks for. `name`: of who sent it. Raises `BadQuery`, which names the field."""
    given = {name: value.strip().replace("\r\n", "\n") for name, value in fields.items()}
    deed = _DEEDS.get(given.get("do", ""))
    if deed is None:
        raise _wrong("do", given.get("do", ""))
    try:
        return msgspec.convert(deed(_Sent(given, name, now)), StateBody)
    except KeyError as error:
        raise _wrong(str(error.args[0]), "") from error
    except msgspec.ValidationError as error:
        field = str(error).rpartition(".")[2].rstrip("`")
        raise _wrong(field, given.get(field, "")) from error


def _wrong(name: str, given: str) -> BadQuery:
    return BadQuery([issue("value_error", name, f"Value error, write {_SHOULD_BE[name]}", given)])
