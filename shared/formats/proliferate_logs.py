"""`POST /api/v1/logs/batch` (contracts.md, "Proliferate API"): up to 100 logs; a bad entry is dropped, the others
taken."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from shared.formats.base import ABSENT, Columns, Format, Rows, or_else
from shared.formats.codec import JsonArray
from shared.formats.intake import Batch, Intake
from shared.formats.levels import SEVERITY_NUMBERS, WORDS, level_of, other_word
from shared.formats.proliferate import OptionalObject, OptionalPerson, OptionalTime, Text, reply
from shared.formats.users import People
from shared.formats.values import clamped, not_null, objects, plain, sent, times


class Frame(msgspec.Struct, gc=False, kw_only=True):
    """The request."""

    service: ClassVar[str] = ""
    environment: Text = "production"
    release: Text = None
    logs: msgspec.Raw


LINE_MAX = 2**32 - 1
"""The largest number that the column holds."""


def whole_number(value: object) -> int | None:
    """The integer that a JSON number such as `42.0` stands for; None for any other value."""
    return int(value) if isinstance(value, float) and value.is_integer() and value >= 0 else None


class Log(msgspec.Struct, gc=False, kw_only=True):
    """One entry."""

    level: Annotated[
        Literal["trace", "debug", "info", "warn", "error", "fatal"],
        or_else(level_of, f"In any case; also {', '.join(WORDS[6:])}: `warning` is `warn`.", sent_as="level_sent"),
    ]
    message: str
    timestamp: OptionalTime = None
    template: Text = None
    attributes: OptionalObject = ABSENT
    trace_id: Text = None
    span_id: Text = None
    user: OptionalPerson = ABSENT
    account: OptionalPerson = ABSENT
    logger_name: Text = None
    file_path: Text = None
    line_number: Annotated[int, Meta(ge=0), or_else(whole_number, "A whole number.")] | None = None
    function_name: Text = None
    level_sent: Annotated[msgspec.Raw, Meta(description="Filled in by the gateway: the word for the level.")] = ABSENT


_TEXTS = ("template", "trace_id", "span_id", "logger_name", "file_path", "function_name")
"""Fields that may be null."""

_users, _accounts = People("user", ("id", "email")), People("account", ("id", "name"))


def columns(rows: Rows) -> Columns:
    log = sent(rows)
    _note_words(rows, log["level_sent"])
    return {
        "timestamp": times(rows, log["timestamp"]),
        "level": log["level"],
        "severity_number": list(map(SEVERITY_NUMBERS.__getitem__, log["level"])),
        "message": log["message"],
        "attributes": objects(log["attributes"]),
        "line_number": clamped(rows, not_null(log["line_number"], 0), "line_number", LINE_MAX),
        **{name: not_null(log[name]) for name in _TEXTS},
        **_users.columns(log["user"]),
        **_accounts.columns(log["account"]),
    }


def _note_words(rows: Rows, words: Sequence[msgspec.Raw]) -> None:
    """Keep what was sent for a level by another word than its name."""
    if words.count(ABSENT) == len(words):
        return
    for row, raw in enumerate(words):
        word = None if raw is ABSENT else plain(raw)
        if other_word(word) and level_of(word) == rows.records[row].level:  # else it is not the gateway's
            rows.note(row, "level", word)


FORMAT = Format("proliferate.logs", signal="logs", columns=columns, codec=JsonArray(Log))

INTAKE = Intake(
    routes=("/api/v1/logs/batch",),
    api="proliferate",
    bodies={FORMAT.name: Batch(Frame, "logs", least=0, most=100, partial=True)},
    reply=reply,
    examples={
        "template": {
            "environment": "production",
            "release": "v1.2.3",
            "logs": [
                {
                    "timestamp": 1736938200.123,
                    "level": "info",
                    "message": "User logged in successfully",
                    "template": "User {user_id} logged in successfully",
                    "attributes": {"user_id": "user_123", "ip_address": "192.168.1.1"},
                    "trace_id": "trace_abc123def456",
                    "span_id": "span_xyz789",
                    "user": {"id": "user_123", "email": "user@example.com"},
                    "account": {"id": "acct_456", "name": "Acme Corp"},
                    "logger_name": "auth.service",
                    "file_path": "src/auth/login.py",
                    "line_number": 42,
                    "function_name": "handle_login",
                }
            ],
        }
    },
)
