"""Replay: read a range of a topic again and store what ClickHouse lacks of it (delivery.md, "Replay")."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby

from rich.progress import Progress, TaskID

from shared import fingerprint
from shared.audit import ALL, Deed
from shared.failpoints import Failpoints
from shared.letters import Letter
from shared.queue.base import Lane
from shared.signals.base import Signal
from writer.buffer import Draft, Limits
from writer.dead_letters import LetterLimit, Tally
from writer.ops.letters import current_letters
from writer.ops.operator import Operator
from writer.ops.progress import Voice
from writer.ops.ranges import LaneRange, Wanted, cover
from writer.ops.replay.regrouping import Grouping, Regrouping
from writer.ops.replay.shortfalls import lane_name, shortfalls
from writer.ops.restore.restorer import Item
from writer.ops.restore.session import Session, opened


class BadVersion(Exception):
    """A fingerprint version that this program doesn't have."""


class _LaneStops(Exception):
    """A lane can't be replayed any further; the text says why."""

    def __init__(self, offset: int, why: str) -> None:
        super().__init__(why)
        self.offset = offset


@dataclass(frozen=True)
class Options:
    """How to replay."""

    dry_run: bool = False
    rewrite: bool = False
    grouping: Grouping = field(default_factory=Grouping)


@dataclass
class Summary:
    """What a replay did, or would do. `read` counts messages, the others records."""

    dry_run: bool
    read: int = 0
    inserted: int = 0
    already_present: int = 0
    rewritten: int = 0
    dead_lettered: int = 0
    """Records with a letter, new or old."""
    expired: int = 0
    incomplete: list[str] = field(default_factory=list)
    """Why the range is not complete, one sentence for each reason."""

    @property
    def complete(self) -> bool:
        return not self.incomplete


async def replay(
    operator: Operator, wanted: Wanted, options: Options, progress: Progress, failpoints: Failpoints | None = None
) -> Summary:
    """Replay what is wanted, topic after topic, each under its lock; safe while writers run.

    With `rewrite`, a chunk is read and converted, then exactly its rows are deleted, then inserted. Killed in between,
    those rows are missing: a second run, with or without `rewrite`, brings them back.

    Raises:
        BadRange, BadVersion: what was asked for doesn't exist.
        LockHeld, PostgresUnavailable, RulesUnavailable, WritersAtWork, QueueUnavailable, ClickHouseError, MissingTable,
            UnfitTable: what was stored until then is right; run it again.
    """
    version = options.grouping.fingerprint_version
    if version is not None and version not in fingerprint.versions():
        known = ", ".join(map(str, fingerprint.versions()))
        raise BadVersion(f"there is no fingerprint version {version}; there are {known}")
    summary = Summary(options.dry_run)
    ranges = await cover(operator.queue, operator.registry, operator.groups, wanted)
    summary.incomplete += await shortfalls(operator.queue, ranges, wanted)
    tasks = {each.lane: progress.add_task(lane_name(each.lane), total=len(each)) for each in ranges if len(each)}
    voice = Voice(progress.console)
    for signal, lanes in groupby(ranges, key=lambda each: each.signal):
        todo = [each for each in lanes if len(each)]
        if not todo:
            continue
        deed = None if options.dry_run else _deed(signal, options, todo)
        rewrite, points = options.rewrite, failpoints or Failpoints()
        async with opened(operator, signal, voice, points, deed=deed, rewrite=rewrite) as session:
            one = _TopicReplay(operator, signal, session, options, summary, progress)
            for each in todo:
                await one.run(each, tasks[each.lane])
    return summary


def _deed(signal: Signal, options: Options, ranges: Sequence[LaneRange]) -> Deed:
    """What the audit log keeps of a replay, of all projects."""
    how = {"rewrite": options.rewrite, **asdict(options.grouping)} if options.rewrite else {}
    offsets = {str(each.lane.partition): f"{each.first}-{each.end - 1}" for each in ranges}
    return Deed(action="queue.replayed", subject=signal.topic, project_id=ALL, detail={"offsets": offsets, **how})


class _TopicReplay:
    """One topic's lanes, one after the other."""

    def __init__(
        self,
        operator: Operator,
        signal: Signal,
        session: Session,
        options: Options,
        summary: Summary,
        progress: Progress,
    ) -> None:
        writer = operator.settings.writer
        self._queue = operator.queue
        self._signal = signal
        self._session = session
        self._options = options
        self._regrouping = Regrouping(options.grouping, session.rules)
        self._summary = summary
        self._progress = progress
        self._limits = Limits(writer.batch_rows, writer.batch_bytes, writer.batch_age_s)
        self._known: set[str] | None = None
        """Keys of the letters that existed when the first letter of this run was made."""

    async def run(self, covered: LaneRange, task: TaskID) -> None:
        """One lane's range, chunk by chunk, each as one insert."""
        tally = Tally(LetterLimit())
        try:
            async for draft in self._drafts(covered):
                await self._restore(covered.lane, draft, tally)
                done = draft.entries[-1].message.offset + 1 - covered.first
                self._progress.update(task, completed=done)
        except _LaneStops as why:
            self._summary.incomplete.append(f"{lane_name(covered.lane)} stops at offset {why.offset}: {why}")
        else:
            self._progress.update(task, completed=len(covered))

    async def _drafts(self, covered: LaneRange) -> AsyncIterator[Draft]:
        """The range in drafts within the writer's limits. Raises `_LaneStops` at a message that can't be read yet."""
        draft = Draft(opened_at=0.0)
        async for messages in self._queue.read(covered.lane, covered.first, covered.end):
            for message in messages:
                entry = self._session.converter.read(message)
                if entry.blocked:
                    if draft.entries:
                        yield draft
                    raise _LaneStops(message.offset, entry.blocked)
                if not draft.add(entry, self._limits):
                    yield draft
                    draft = Draft(opened_at=0.0)
                    draft.add(entry, self._limits)
        if draft.entries:
            yield draft

    async def _restore(self, lane: Lane, draft: Draft, tally: Tally) -> None:
        """Store what is missing of one chunk. With too many letters it raises `_LaneStops` and changes nothing."""
        items = [Item(await self._regrouping.applied(entry)) for entry in draft.entries]
        restorer = self._session.restorer
        batch = await restorer.convert(lane, items)
        await self._bury(batch.letters, batch.rows, tally)
        done = await (restorer.look if self._options.dry_run else restorer.store)(batch, items)
        self._summary.read += len(items)
        self._summary.expired += batch.expired
        self._summary.inserted += done.inserted
        self._summary.already_present += done.present
        self._summary.rewritten += done.rewritten
        if done.refused:
            await self._bury(done.refused, batch.rows - len(done.refused), tally)

    async def _bury(self, letters: list[Letter], good_rows: int, tally: Tally) -> None:
        """Publish the new letters, unless they are too many."""
        new = await self._new(letters) if letters else []
        if too_many := tally.exceeded(len(new), good_rows + len(letters) - len(new)):
            raise _LaneStops(letters[0].offset, f"{too_many}; the first: {letters[0].detail}")
        self._summary.dead_lettered += len(letters)
        if new and not self._options.dry_run:
            await self._session.publish(self._signal.dead_letter_topic, new)

    async def _new(self, letters: list[Letter]) -> list[Letter]:
        """An existing letter stays as it is: it has a history, and may be closed."""
        if self._known is None:
            self._known = {kept.key for kept in await current_letters(self._queue, self._signal.dead_letter_topic)}
        return [letter for letter in letters if letter.key.decode() not in self._known]
