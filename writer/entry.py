"""A queue message as the writer first reads it: its stamp, or why there is none. The records stay undecoded."""

from collections.abc import Mapping

import msgspec

from shared import fingerprint
from shared.envelope import Stamp, Undecodable, UnknownVersion, unseal
from shared.fingerprint.rules import NO_RULES, Rules
from shared.formats.base import Format
from shared.formats.values import LATEST_US
from shared.queue.base import Message
from shared.signals.base import partition_key

_MAX_RETENTION_DAYS = 65_535
"""The largest value of the column."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One message. Without a `stamp` it has a `problem` (can never be decoded) or is `blocked` (not yet)."""

    message: Message
    stamp: Stamp | None = None
    payload: memoryview | bytes = b""
    """Of `stamp.n` records."""
    problem: str = ""
    blocked: str = ""
    index: int | None = None
    """Of the only record of a message that was reduced to it: its place among the others."""
    rules: Rules = NO_RULES
    """The grouping rules that the stamp names. `RulesBook.applied` brings them."""

    @property
    def lacks_rules(self) -> bool:
        """Whether its rows can't be made yet."""
        return self.stamp is not None and self.stamp.rules_revision != self.rules.revision

    @property
    def rows(self) -> int:
        return self.stamp.n if self.stamp else 1

    @property
    def partition(self) -> tuple[int, int] | None:
        """The ClickHouse table partition of its rows; None where it has none."""
        return partition_key(self.stamp.received_at, self.stamp.retention_days) if self.stamp else None

    @property
    def size(self) -> int:
        return len(self.message.value)


def read_entry(message: Message, formats: Mapping[str, Format]) -> Entry:
    """Open the envelope. `formats`: those that the topic may hold, by name. Never raises.

    An unknown version, format or fingerprint only blocks the message: a newer writer will know it
    (delivery.md, "Messages of a newer version").
    """
    if message.damage:
        return Entry(message, problem=message.damage)
    try:
        stamp, payload = unseal(message.value)
    except UnknownVersion as error:
        return Entry(message, blocked=str(error))
    except Undecodable as error:
        return Entry(message, problem=str(error))
    if stamp.format not in formats:
        return Entry(message, blocked=f"unknown format {stamp.format!r}: upgrade the writers before the gateways")
    if stamp.fingerprint_version > fingerprint.CURRENT:
        return Entry(message, blocked=f"unknown fingerprint version {stamp.fingerprint_version}: upgrade the writers")
    if problem := _problem(stamp):
        return Entry(message, problem=problem)
    return Entry(message, stamp, payload)


def _problem(stamp: Stamp) -> str:
    if stamp.n < 0 or len(stamp.event_ids) not in (0, stamp.n):
        return f"the stamp counts {stamp.n} records and {len(stamp.event_ids)} event ids"
    if not 0 <= stamp.received_at <= LATEST_US:
        return f"the stamp's received_at is {stamp.received_at}"
    if not 0 < stamp.retention_days <= _MAX_RETENTION_DAYS:
        return f"the stamp's retention_days is {stamp.retention_days}"
    return ""
