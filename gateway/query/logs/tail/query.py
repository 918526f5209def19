"""What a tail is asked for."""

from dataclasses import dataclass

from gateway.query.as_of import AsOf, decode_as_of
from gateway.query.logs.filters import LogQuery, parse_filters
from gateway.query.parameters import Parameters

MOST_S = 30 * 60
"""How long a tail may last. Keys are revoked, and clients forget to hang up."""

LAST_EVENT_ID = "last_event_id"
"""The parameter; the header `Last-Event-ID` stands for a later one."""


@dataclass(frozen=True)
class TailQuery:
    """`since`: the state from which on; None for now. `seconds`: how long."""

    query: LogQuery
    since: AsOf | None
    seconds: int


def parse_tail(given: Parameters) -> TailQuery:
    """Raises `BadQuery`."""
    asked = TailQuery(
        query=parse_filters(given),
        since=given.parsed(LAST_EVENT_ID, decode_as_of, "value_error", "the id of an event"),
        seconds=given.integer("seconds", MOST_S, least=0, most=MOST_S),
    )
    given.finish()
    return asked
