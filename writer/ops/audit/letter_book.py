"""The dead letters of one topic as audit needs them: a few numbers for each letter, however large."""

from collections.abc import Iterable

from shared.letters import Kept, Letter
from shared.queue.base import Lane, Queue
from writer.ops.audit.accounting import LetterState, Marks
from writer.ops.letters import current_letters
from writer.ops.ranges import LaneRange

_NONE: Marks = {}


class LetterBook:
    """Which messages of some ranges have letters, and what retention took. Takes about 300 bytes a letter in range."""

    def __init__(self, ranges: Iterable[LaneRange]) -> None:
        self._ranges = {each.lane: each for each in ranges}
        self._marks: dict[tuple[Lane, int, int], dict[int | None, LetterState]] = {}
        self._gaps: dict[Lane, dict[tuple[int, int], int]] = {}

    async def read(self, queue: Queue, dead_letter_topic: str) -> None:
        """Raises `QueueUnavailable`."""
        await current_letters(queue, dead_letter_topic, self._note)

    def marks(self, lane: Lane, offset: int, timestamp_ms: int) -> Marks:
        """The letters of one message. The time tells it apart from one of an older topic of the same name."""
        return self._marks.get((lane, offset, timestamp_ms), _NONE)

    def gaps(self, lane: Lane) -> list[tuple[int, int, int]]:
        """(first offset, the one after the last, when it was noticed in Unix milliseconds) of what retention took."""
        return [(*span, noticed_ms) for span, noticed_ms in self._gaps.get(lane, {}).items()]

    def _note(self, kept: Kept) -> bool:
        """Letters come oldest first, so the newest of each key remains. The letter itself is not kept."""
        if kept.letter is not None:
            self._note_letter(kept.letter)
        return False

    def _note_letter(self, letter: Letter) -> None:
        lane = Lane(letter.topic, letter.partition)
        covered = self._ranges.get(lane)
        if covered is None:
            return
        if letter.reason == "gap":
            self._gaps.setdefault(lane, {})[letter.offset, letter.end] = letter.first_seen_ms
        elif covered.first <= letter.offset < covered.end:
            marks = self._marks.setdefault((lane, letter.offset, letter.timestamp_ms), {})
            marks[letter.index] = letter.state or "open"
