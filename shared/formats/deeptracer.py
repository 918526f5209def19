"""What the four DeepTracer formats share (contracts.md, "DeepTracer API"). Their fields stand in the document's
order."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from shared.formats.base import Columns, Rows, checked_as, or_else
from shared.formats.intake import Outcome
from shared.formats.sent_time import SentTime, zoned_time
from shared.formats.values import raw_text

Release = Annotated[str, Meta(max_length=128)]
Count = Annotated[float, Meta(ge=0)]
"""A number >= 0, rounded by the writer."""

_ALSO = "ISO 8601 with an offset; seconds may be missing, a fraction is taken to the microsecond."
ZonedTime = Annotated[datetime, Meta(tz=True), or_else(zoned_time, _ALSO)]
Time = Annotated[SentTime, checked_as(ZonedTime)]
OptionalTime = Annotated[SentTime | None, checked_as(ZonedTime)]


def common_columns(rows: Rows) -> Columns:
    """The columns that every single-record format fills from the record itself."""
    records = rows.records
    return {
        "service": [record.service or "unknown" for record in records],
        "environment": [record.environment or "production" for record in records],
        "release": [record.release for record in records],
    }


def attributes(rows: Rows) -> list[bytes]:
    """The `metadata` of each record, byte for byte."""
    return raw_text([record.metadata for record in rows.records])


def reply(outcome: Outcome) -> tuple[int, bytes]:
    """The documented success of a request with one span or one call."""
    return 200, b'{"ok":true}'
