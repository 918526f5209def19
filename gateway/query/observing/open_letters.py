"""The dead letters of one dead-letter lane, as far as it has been read: whose they are, and why."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.envelope import Undecodable, UnknownVersion, unseal
from shared.letters import Letter, raw_bytes, read_letter
from shared.queue.base import Lane, Message


class Gap(NamedTuple):
    """Messages of a lane, `first <= offset < end`, that retention took before a writer read them."""

    lane: Lane
    first: int
    end: int


class Noted(NamedTuple):
    """What counts of a letter. `project_id` is '' where nobody knows whose it is: of a gap, of a message that is no
    envelope, of a letter that is closed (its bytes are gone) or that a newer program wrote."""

    key: str
    offset: int
    reason: str = ""
    project_id: str = ""
    gap: Gap | None = None


def note(lane: Lane, messages: Iterable[Message]) -> list[Noted]:
    """Takes milliseconds for a large message: for a thread."""
    return [_noted(lane, message) for message in messages]


class OpenLetters:
    """The newest state of each letter with an offset from `first` to `next`."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.next = first
        self.projects: dict[str, Counter[str]] = {}
        """Project -> reason -> letters."""
        self.gaps: dict[str, Gap] = {}
        """By key."""
        self._noted: dict[str, Noted] = {}
        """Those that count, by key, in the order of their offsets."""

    def take(self, letters: Iterable[Noted]) -> None:
        """Count these, which stand behind all that came before."""
        for letter in letters:
            self._drop(letter.key)
            self.next = letter.offset + 1
            if letter.gap is not None:
                self.gaps[letter.key] = letter.gap
            if letter.project_id:
                self._count(letter, 1)
            if letter.project_id or letter.gap is not None:
                self._noted[letter.key] = letter

    def forget_below(self, offset: int) -> None:
        """Letters below it don't count any more."""
        for letter in list(_below(self._noted.values(), offset)):
            self._drop(letter.key)
        self.first = max(self.first, offset)

    def _drop(self, key: str) -> None:
        self.gaps.pop(key, None)
        letter = self._noted.pop(key, None)
        if letter is not None and letter.project_id:
            self._count(letter, -1)

    def _count(self, letter: Noted, n: int) -> None:
        counts = self.projects.setdefault(letter.project_id, Counter())
        counts[letter.reason] += n
        if not counts[letter.reason]:
            del counts[letter.reason]
        if not counts:
            del self.projects[letter.project_id]


def length(spans: Iterable[tuple[int, int]]) -> int:
    """How many offsets lie in any of these `[first, end)`, which may overlap."""
    total, reached = 0, 0
    for first, end in sorted(spans):
        total += max(0, end - max(first, reached))
        reached = max(reached, end)
    return total


def _below(letters: Iterable[Noted], offset: int) -> Iterator[Noted]:
    for letter in letters:
        if letter.offset >= offset:
            return
        yield letter


def _noted(lane: Lane, message: Message) -> Noted:
    kept = read_letter(lane, message)
    letter = kept.letter
    if letter is None or kept.state not in ("open", "gap"):
        return Noted(kept.key, kept.offset)
    if kept.state == "gap":
        return Noted(kept.key, kept.offset, gap=Gap(Lane(letter.topic, letter.partition), letter.offset, letter.end))
    return Noted(kept.key, kept.offset, letter.reason, _project_of(letter))


def _project_of(letter: Letter) -> str:
    try:
        stamp, _ = unseal(raw_bytes(letter))
    except (ValueError, Undecodable, UnknownVersion):
        return ""
    return stamp.project_id
