"""What became of every record that was sent, in a byte or two a request: ids are derived, not kept."""

from array import array
from collections.abc import Iterator
from typing import Final

from tests.faults.shapes import SHAPES, Shape

UNKNOWN: Final = 0
"""No answer, or one that says try again: it may be stored, or not."""
ACKNOWLEDGED: Final = 1
REFUSED: Final = 2


class Book:
    """The requests of one sender, numbered from 0 (`turn`). The id of a record: `run-sender-turn-index`.

    A turn is unknown from its beginning on until its answer is in, so that a sender that dies loses nothing.
    """

    def __init__(self, run: str, sender: str, shape: Shape) -> None:
        if "-" in run + sender:
            raise ValueError(f"{run!r}, {sender!r}: ids are taken apart at their dashes")
        self.run, self.sender, self.shape = run, sender, shape
        self.outcomes = bytearray()
        self.sizes = array("H")

    def begin(self, size: int) -> tuple[int, list[str]]:
        """The next turn and the ids of its records."""
        turn = len(self.outcomes)
        self.sizes.append(size)
        self.outcomes.append(UNKNOWN)
        return turn, [f"{self.run}-{self.sender}-{turn}-{index}" for index in range(size)]

    def end(self, turn: int, outcome: int) -> None:
        self.outcomes[turn] = outcome

    def records(self, outcome: int) -> int:
        """How many records had this outcome."""
        pairs = zip(self.outcomes, self.sizes, strict=False)  # another thread may just be between its two appends
        return sum(size for each, size in pairs if each == outcome)


class Books:
    """All senders of one run. `open` may be called from any thread, by one sender each."""

    def __init__(self, run: str) -> None:
        self.run = run
        self._books: dict[str, Book] = {}

    def open(self, sender: str, shape: Shape) -> Book:
        book = self._books[sender] = Book(self.run, sender, shape)
        return book

    def __iter__(self) -> Iterator[Book]:
        return iter(list(self._books.values()))

    def __getitem__(self, sender: str) -> Book:
        return self._books[sender]

    def __contains__(self, sender: str) -> bool:
        return sender in self._books

    def records(self, outcome: int) -> int:
        return sum(book.records(outcome) for book in self)


LOGS = next(shape for shape in SHAPES if shape.name == "logs")
"""The shape of what faults publish by themselves: logs, past the gateway."""
