"""Redrive: store what dead letters keep under its original coordinates, and close them
(delivery.md, "Redrive and purge")."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from rich.progress import Progress

from shared.failpoints import Failpoints
from shared.letters import Kept, Letter, raw_bytes
from shared.queue.base import Lane, Message
from shared.queue.lane_state import LaneState, lane_states
from shared.signals.base import Signal
from writer.buffer import Draft, Limits
from writer.converter import is_expired
from writer.dead_letters import closed
from writer.ops.letters import Chosen, current_letters, deed_about_letters, with_bytes
from writer.ops.operator import Operator
from writer.ops.progress import Voice
from writer.ops.restore.restorer import Item
from writer.ops.restore.session import Session, opened

Source = tuple[Lane, bool]
"""The lane that a letter came from, and whether its topic was recreated since."""


@dataclass
class Summary:
    """What a redrive did, or would do. Counts letters unless it says otherwise."""

    dry_run: bool
    letters: int = 0
    redriven: int = 0
    inserted: int = 0
    """Records."""
    already_present: int = 0
    """Records."""
    still_failing: int = 0
    """They stay open, with one more attempt and the new reason."""
    expired: int = 0
    """Past their retention: they stay open; purge them."""
    waiting: dict[str, int] = field(default_factory=dict)
    """The reason why letters were not tried -> their number."""

    @property
    def complete(self) -> bool:
        return not (self.still_failing or self.waiting)

    def wait(self, why: str) -> None:
        """Count a letter that is not tried."""
        self.waiting[why] = self.waiting.get(why, 0) + 1


async def redrive(
    operator: Operator,
    signals: Sequence[Signal],
    chosen: Chosen,
    progress: Progress,
    *,
    dry_run: bool = False,
    failpoints: Failpoints | None = None,
) -> Summary:
    """Redrive the chosen letters that are open, topic after topic, each under the lock that replay takes too.

    Killed at any point and repeated, it makes one row of each record: the rows are stored before the letter is closed,
    and found present the next time. Raises as `replay` does.
    """
    summary = Summary(dry_run)
    for signal in signals:
        if not await current_letters(operator.queue, signal.dead_letter_topic, chosen.open):
            continue
        voice = Voice(progress.console)
        deed = None if dry_run else deed_about_letters("letters.redriven", signal, chosen)
        async with opened(operator, signal, voice, failpoints or Failpoints(), deed=deed) as session:
            # Read again: another command may have changed them before the lock was taken.
            kept = await current_letters(operator.queue, signal.dead_letter_topic, chosen.open)
            await _TopicRedrive(operator, signal, session, summary, progress).run(kept)
    return summary


class _TopicRedrive:
    """The letters of one topic, gathered into one insert a source lane, within the writer's limits."""

    def __init__(
        self, operator: Operator, signal: Signal, session: Session, summary: Summary, progress: Progress
    ) -> None:
        writer = operator.settings.writer
        self._operator = operator
        self._signal = signal
        self._session = session
        self._summary = summary
        self._progress = progress
        self._limits = Limits(writer.batch_rows, writer.batch_bytes, writer.batch_age_s)
        self._states: dict[Lane, LaneState] = {}
        self._gathered: dict[Source, list[Item]] = {}
        self._drafts: dict[Source, Draft] = {}

    async def run(self, kept: Sequence[Kept]) -> None:
        task = self._progress.add_task(self._signal.dead_letter_topic, total=len(kept))
        async for one in with_bytes(self._operator.queue, kept):
            if one.letter is not None:
                await self._take(one.letter)
            self._progress.advance(task)
        for source in list(self._gathered):
            await self._finish(source)

    async def _take(self, letter: Letter) -> None:
        self._summary.letters += 1
        lane = Lane(letter.topic, letter.partition)
        try:
            message = Message(letter.offset, letter.timestamp_ms, None, raw_bytes(letter))
        except ValueError as error:
            self._summary.wait(f"what the letter keeps can't be decoded: {error}")
            return
        item = Item(self._session.converter.read(message), letter)
        if lane not in self._states:
            self._states |= await lane_states(self._operator.queue, self._operator.groups, [lane])
        state = self._states[lane]
        if item.entry.blocked:
            self._summary.wait(item.entry.blocked)
        elif (state.committed or 0) <= letter.offset < state.end:
            self._summary.wait("not committed yet: the writers may still store it")
        elif item.entry.stamp is not None and is_expired(item.entry.stamp, time.time_ns() // 1000):
            self._summary.expired += 1
        else:
            await self._gather((lane, letter.offset >= state.end), item)

    async def _gather(self, source: Source, item: Item) -> None:
        if sum(draft.bytes for draft in self._drafts.values()) > self._limits.bytes:
            for each in list(self._drafts):
                await self._finish(each)
        if not self._drafts.setdefault(source, Draft(opened_at=0.0)).add(item.entry, self._limits):
            await self._finish(source)
            self._drafts[source] = Draft(opened_at=0.0)
            self._drafts[source].add(item.entry, self._limits)
        self._gathered.setdefault(source, []).append(item)

    async def _finish(self, source: Source) -> None:
        """Store what was gathered, then close the letters; those that failed again get the new reason."""
        del self._drafts[source]
        items = sorted(self._gathered.pop(source), key=lambda item: (item.entry.message.offset, _index(item)))
        restorer, summary = self._session.restorer, self._summary
        batch = await restorer.convert(source[0], items)
        done = await (restorer.look if summary.dry_run else restorer.store)(batch, items)
        summary.inserted += done.inserted
        summary.already_present += done.present
        failed = {letter.key: letter for letter in (*batch.letters, *done.refused)}
        again, finished = [], []
        for item in items:
            assert item.letter is not None
            if new := failed.pop(item.letter.key, None):
                again.append(_once_more(item.letter, new))
            else:
                finished.append(closed(item.letter, "redriven", time.time_ns() // 1_000_000))
        summary.still_failing += len(again) + len(failed)
        summary.redriven += len(finished)
        if summary.dry_run:
            return
        self._session.failpoints.reach("after_redrive_insert")
        # Records of a whole message that fail become letters of their own before the message's letter is closed.
        await self._session.publish(self._signal.dead_letter_topic, [*failed.values(), *again])
        await self._session.publish(self._signal.dead_letter_topic, finished)


def _once_more(kept: Letter, new: Letter) -> Letter:
    """The letter after one more failed attempt: its bytes and its first-seen time stay."""
    return msgspec.structs.replace(kept, reason=new.reason, detail=new.detail, attempts=kept.attempts + 1)


def _index(item: Item) -> int:
    return -1 if item.letter is None or item.letter.index is None else item.letter.index
