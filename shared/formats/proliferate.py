"""What the two Proliferate formats share (contracts.md, "Proliferate API"): for an optional field null means absent."""

from datetime import datetime
from typing import Annotated

import msgspec

from shared.formats.base import AnyObject, checked_as, or_else
from shared.formats.intake import Outcome
from shared.formats.sent_time import SentTime, any_time

Text = str | None


def empty_object(value: object) -> dict[str, object] | None:
    """`{}` for an empty array: PHP writes an empty object so. None for any other value."""
    return {} if value == [] else None


PHP = or_else(empty_object, "PHP's empty array is an empty object.")
OptionalObject = Annotated[msgspec.Raw, checked_as(Annotated[AnyObject | None, PHP])]
_ALSO = "Unix seconds (over 1e11: milliseconds), or ISO 8601; without an offset it is UTC."
_Iso = Annotated[datetime, msgspec.Meta(extra_json_schema={"format": "date-time"})]
OptionalTime = Annotated[SentTime | float | None, checked_as(Annotated[_Iso | float | None, or_else(any_time, _ALSO)])]


class Person(msgspec.Struct, gc=False):
    """`user` and `account`: what is checked of them; their further keys are stored as they are."""

    id: str | int | float | None = None
    email: str | None = None
    name: str | None = None


OptionalPerson = Annotated[msgspec.Raw, checked_as(Annotated[Person | None, PHP])]


def reply(outcome: Outcome) -> tuple[int, bytes]:
    """The documented success: 202, how many entries were taken and how many left out."""
    return 202, b'{"accepted":%d,"dropped":%d}' % (outcome.accepted, outcome.dropped)
