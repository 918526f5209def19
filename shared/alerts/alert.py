"""What people are told, and how it was sent (alerts.md, "What is sent")."""

from datetime import datetime
from typing import Literal

import msgspec

State = Literal["waiting", "delivered", "failed"]


class First(msgspec.Struct, frozen=True):
    """The first of what an alert is about: the text of a log, or type and message of an error, and its first own
    frame. All of it is text from strangers."""

    time: str
    text: str
    frame: str | None = None


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """`start`, `end`: of the time that was judged, null where there is none. `incomplete`: not all of it was stored
    yet. `path`: of the page about it. `groups`: of errors."""

    title: str
    text: str
    path: str
    at: str
    start: str | None = None
    end: str | None = None
    incomplete: bool = False
    first: First | None = None
    groups: tuple[str, ...] = ()
    test: bool = False


class Try(msgspec.Struct, frozen=True):
    """`status`: of the answer; null for none. `problem`: why it failed; '' where it did not."""

    at: datetime
    status: int | None
    problem: str


class Delivery(msgspec.Struct, frozen=True):
    """An alert on its way. `next_try`: null when there is none any more."""

    id: str
    created_at: datetime
    alert: Alert
    state: State
    tries: list[Try]
    next_try: datetime | None
