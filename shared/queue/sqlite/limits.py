"""How much the embedded queue keeps, and how long it waits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    size_bytes: int = 10_000_000_000
    """Packed size of all ordinary topics. Beyond it the oldest consumed messages go, then publishing is refused."""

    in_flight_bytes: int = 67_108_864
    """What one producer holds in memory before it is committed; beyond it publishing is refused."""

    publish_timeout_s: float = 10.0
    """How long a publish waits for its commit."""

    lock_timeout_s: float = 5.0
    """How long one transaction waits for those of other processes."""

    commit_interval_s: float = 0.005
    """Group commits of one producer start at least this far apart: fewer and larger ones under load."""

    session_timeout_s: float = 10.0
    """How long a silent member of a group keeps its lanes."""

    max_poll_interval_s: float = 60.0
    """A consumer that does not receive for so long is not kept alive any more: its lease runs out."""

    receive_bytes: int = 8_000_000
    """What is read at once for one receive, unpacked; of each lane at least a message."""

    tidy_interval_s: float = 30.0
    """How often a producer drops consumed messages that are past their topic's retention."""
