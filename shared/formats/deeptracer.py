"""What the four DeepTracer formats share (contracts.md, "DeepTracer API"). Their fields stand in the document's
order."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta

from shared.formats.base import Columns, checked_as, or_else
from shared.formats.intake import Outcome
from shared.formats.sent_time import SentTime, zoned_time

Release = Annotated[str, Meta(max_length=128)]
Count = Annotated[float, Meta(ge=0)]
"""A number >= 0, rounded by the writer."""

_ALSO = "ISO 8601 with an offset; seconds may be missing, a fraction is taken to the microsecond."
ZonedTime = Annotated[datetime, Meta(tz=True), or_else(zoned_time, _ALSO)]
Time = Annotated[SentTime, checked_as(ZonedTime)]
OptionalTime = Annotated[SentTime | None, checked_as(ZonedTime)]


def common_columns(sent: Mapping[str, Sequence[Any]]) -> Columns:
    """The columns that every single-record format fills from the record itself."""
    return {
        "service": [service or "unknown" for service in sent["service"]],
        "environment": [environment or "production" for environment in sent["environment"]],
        "release": sent["release"],
    }


def reply(outcome: Outcome) -> tuple[int, bytes]:
    """The documented success of a request with one span or one call."""
    return 200, b'{"ok":true}'
