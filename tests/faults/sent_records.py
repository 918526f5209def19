"""The outcome of every record that was sent, in three bytes a request: ids are derived, not kept."""

from array import array
from collections.abc import Iterator
from typing import Final

from tests.faults.shapes import SHAPES, Shape

UNKNOWN: Final = 0
"""No answer, or one that says try again: the record may or may not be stored."""
ACKNOWLEDGED: Final = 1
REFUSED: Final = 2


class SentRequests:
    """The requests of one sender, numbered from 0 (`turn`). A record's id is `run-sender-turn-index`.

    A turn is unknown until its answer arrives, so nothing is lost when the sender dies.
    """

    def __init__(self, run: str, sender: str, shape: Shape) -> None:
        if "-" in run + sender:
            raise ValueError(f"{run!r}, {sender!r}: ids are split at their dashes")
        self.run, self.sender, self.shape = run, sender, shape
        self.name = f"{run}-{sender}"
        """What the ids of its records begin with."""
        self.outcomes = bytearray()
        self.sizes = array("H")

    def begin(self, size: int) -> tuple[int, list[str]]:
        """Start the next turn; returns it and the ids of its records."""
        turn = len(self.outcomes)
        self.sizes.append(size)
        self.outcomes.append(UNKNOWN)
        return turn, [f"{self.name}-{turn}-{index}" for index in range(size)]

    def end(self, turn: int, outcome: int) -> None:
        self.outcomes[turn] = outcome

    def records(self, outcome: int) -> int:
        """How many records had this outcome."""
        pairs = zip(self.outcomes, self.sizes, strict=False)  # `begin` may be between its two appends
        return sum(size for each, size in pairs if each == outcome)


class SentRecords:
    """The requests of all senders of one run. Threads may call `open`, each for its own sender."""

    def __init__(self, run: str) -> None:
        self.run = run
        self._by_sender: dict[str, SentRequests] = {}

    def open(self, sender: str, shape: Shape) -> SentRequests:
        requests = self._by_sender[sender] = SentRequests(self.run, sender, shape)
        return requests

    def __iter__(self) -> Iterator[SentRequests]:
        return iter(list(self._by_sender.values()))

    def __getitem__(self, sender: str) -> SentRequests:
        return self._by_sender[sender]

    def __contains__(self, sender: str) -> bool:
        return sender in self._by_sender

    def records(self, outcome: int) -> int:
        return sum(requests.records(outcome) for requests in self)


LOGS = next(shape for shape in SHAPES if shape.name == "logs")
"""The shape of the logs that faults publish to the queue directly."""
