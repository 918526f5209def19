"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """`seconds` are those of one measurement; each is made `rounds` times, in turn with its limit."""

    seconds: float
    rounds: int
    connections: int

    @property
    def warm_up_s(self) -> float:
        return min(1.0, self.seconds / 4)

    @property
    def writer_messages(self) -> int:
        """Messages of 100 logs that take a writer about `seconds`."""
        return max(500, int(self.seconds * 1_500))

    @property
    def fresh_s(self) -> float:
        """Freshness needs many markers for its p99."""
        return 2 * self.seconds
