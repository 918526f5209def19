"""How much the embedded queue keeps, and how long it waits."""

from dataclasses import dataclass

from shared.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    size_bytes: int
    """Packed size of all ordinary topics. Beyond it the oldest consumed messages go, then publishing is refused."""

    max_message_bytes: int
    """The largest message that is going to be published."""

    in_flight_bytes: int
    """What one producer holds in memory before it is committed; beyond it publishing is refused."""

    publish_timeout_s: float
    """How long a publish waits for its commit."""

    lock_timeout_s: float
    """How long one transaction waits for those of other processes."""

    commit_interval_s: float
    """Group commits of one producer start at least this far apart: fewer and larger ones under load."""

    session_timeout_s: float
    """How long a silent member of a group keeps its lanes."""

    max_poll_interval_s: float
    """A consumer that does not receive for so long is not kept alive any more: its lease runs out."""

    receive_bytes: int
    """What is read at once for one receive, unpacked; of each lane at least a message."""

    tidy_interval_s: float
    """How often a producer drops consumed messages that are past their topic's retention."""


def limits_of(settings: Settings) -> Limits:
    """The limits that the settings give; what none of them names has its only value here."""
    return Limits(
        size_bytes=settings.topics.max_bytes,
        max_message_bytes=settings.topics.max_message_bytes,
        in_flight_bytes=settings.gateway.in_flight_bytes,
        publish_timeout_s=settings.gateway.publish_timeout_s,
        lock_timeout_s=5.0,
        commit_interval_s=0.005,
        session_timeout_s=settings.writer.session_timeout_s,
        max_poll_interval_s=60.0,
        receive_bytes=settings.writer.receive_bytes,
        tidy_interval_s=30.0,
    )
