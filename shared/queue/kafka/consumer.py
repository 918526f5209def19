"""The consumer: lanes and their epochs, messages, commits."""

import asyncio
import logging
from collections.abc import Iterable, Mapping

from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError
from aiokafka.structs import TopicPartition

from shared.queue.base import AssignmentListener, Epoch, Fenced, Lane, Message, Position, QueueError, QueueUnavailable
from shared.queue.kafka.admin import Admin
from shared.queue.kafka.commit import commit_once
from shared.queue.kafka.membership import Membership
from shared.queue.kafka.options import KafkaOptions
from shared.queue.kafka.reader import to_message
from shared.queue.kafka.refusal import refusal
from shared.queue.kafka.topic_ids import stamped
from shared.tasks import end

log = logging.getLogger(__name__)

FIRST_CHUNK, LARGEST_CHUNK = 8, 64
"""So many messages are taken from aiokafka before their bytes are looked at."""

LOOK_S = 5.0
"""How often the topics' ids are looked at."""


class KafkaConsumer:
    """One member of a Kafka consumer group.

    1. A lane gives nothing before it was sought: aiokafka hands out messages of new lanes, from offsets of its own,
       seconds before it reports the assignment.
    2. A commit is refused here once the lane was revoked, and by Kafka if it knows better (`commit.py`).
    3. A membership whose background tasks died is replaced by a new one; the lanes are revoked and assigned again.
    4. So is one whose topic was created again: aiokafka would go on where it was in the former one (`topic_ids.py`).
    """

    def __init__(
        self,
        bootstrap: str,
        options: KafkaOptions,
        admin: Admin,
        group: str,
        topics: Iterable[str],
        listener: AssignmentListener,
    ) -> None:
        self._bootstrap = bootstrap
        self._options = options
        self._admin = admin
        self._group = group
        self._topics = sorted(set(topics))
        self._listener = listener
        self._member: Membership | None = None
        self._joining: asyncio.Task[None] | None = None
        self._refused: Exception | None = None
        self._assignments = 0
        self._epochs: dict[Lane, Epoch] = {}
        self._sought: set[Lane] = set()
        self._paused: set[Lane] = set()
        self._topic_ids: dict[Lane, str] = {}
        """Of the topic in which each lane's position was found; its commits belong there."""
        self._recreated = ""
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return at once; the group is joined in the background, for as long as it takes."""
        self._recreated = ""
        self._joining = asyncio.create_task(self._join())
        self._watching = asyncio.create_task(self._watch_topics())

    async def stop(self) -> None:
        for task in (self._watching, self._joining):
            if task is not None:
                await end(task)
        await self._leave()

    async def _join_again(self) -> None:
        await self.stop()
        await self.start()

    async def _watch_topics(self) -> None:
        """Until a topic is another one than it was when its lanes were taken over."""
        while not self._recreated:
            await asyncio.sleep(LOOK_S)
            if not self._topic_ids:
                continue
            try:
                ids = await self._admin.topic_ids(lane.topic for lane in self._topic_ids)
            except QueueError:
                continue
            others = [lane.topic for lane, known in self._topic_ids.items() if ids.get(lane.topic, known) != known]
            self._recreated = others[0] if others else ""

    async def _join(self) -> None:
        """Try until a membership has its first assignment."""
        while True:
            self._member = member = Membership(
                self._bootstrap, self._options, self._group, on_assigned=self._assigned, on_revoked=self._revoked
            )
            try:
                await member.start(self._topics)
            except KafkaError as error:
                reason = await refusal(self._bootstrap, self._options)
                self._refused = QueueUnavailable(reason) if reason else error
                await self._leave()
                await asyncio.sleep(self._options.retry_s)
            else:
                self._refused = None
                return

    async def _leave(self) -> None:
        member, self._member = self._member, None
        self._revoke()
        if member is not None:
            await member.close()

    def _assigned(self, member: Membership, lanes: frozenset[Lane]) -> None:
        if member is not self._member:
            return
        self._assignments += 1
        epoch = Epoch(member.generation, member.member_id, self._assignments)
        self._epochs = dict.fromkeys(lanes, epoch)
        member.pause(_partitions(lanes))  # nothing is fetched before a lane is sought
        if lanes:
            self._listener.assigned(lanes)

    def _revoked(self, member: Membership) -> None:
        if member is self._member:
            self._revoke()

    def _revoke(self) -> None:
        lanes, self._epochs = frozenset(self._epochs), {}
        self._sought.clear()
        self._paused.clear()
        self._topic_ids.clear()
        if lanes:
            self._listener.revoked(lanes)

    def epochs(self) -> Mapping[Lane, Epoch]:
        return self._epochs  # never changed, only replaced

    async def committed(self, lanes: Iterable[Lane]) -> dict[Lane, Position | None]:
        ids, found = await self._admin.committed_in(self._group, lanes)
        self._topic_ids |= {lane: ids[lane.topic] for lane in found if lane in self._epochs and lane.topic in ids}
        return found

    def seek(self, lane: Lane, offset: int) -> None:
        """As the contract says; a lane that was revoked is left alone: its listener knows."""
        if self._member is None or lane not in self._epochs:
            return
        self._member.seek(TopicPartition(*lane), offset)
        self._sought.add(lane)
        if lane not in self._paused:
            self._member.resume(_partitions([lane]))

    def pause(self, lanes: Iterable[Lane]) -> None:
        ours = [lane for lane in lanes if lane in self._epochs]
        self._paused.update(ours)
        if self._member is not None:
            self._member.pause(_partitions(ours))

    def resume(self, lanes: Iterable[Lane]) -> None:
        ours = [lane for lane in lanes if lane in self._epochs]
        self._paused.difference_update(ours)
        if self._member is not None:
            self._member.resume(_partitions(lane for lane in ours if lane in self._sought))

    async def receive(
        self, lanes: Iterable[Lane], *, timeout_s: float, max_messages: int = 1000
    ) -> dict[Lane, list[Message]]:
        """As the contract says. Messages beyond `max_receive_bytes` are left for the next call.

        An offset beyond the end (the topic was recreated, or lost its tail) also goes on from the earliest one: the
        caller sees the offsets go back.
        """
        member = await self._joined(timeout_s)
        if member is None:
            return {}
        wanted = _partitions(lane for lane in lanes if lane in self._sought and lane not in self._paused)
        found: dict[Lane, list[Message]] = {}
        count, size = 0, 0
        while count < max_messages and size < self._options.max_receive_bytes:
            fitting = (self._options.max_receive_bytes - size) * count // size if size else FIRST_CHUNK
            try:
                chunk = await member.poll(wanted, timeout_s, min(max(1, fitting), LARGEST_CHUNK, max_messages - count))
            except KafkaError as error:
                raise QueueUnavailable(f"group {self._group!r} can't be read: {error}") from error
            if not chunk:
                break
            timeout_s = 0  # what is there already is taken too, without giving way to the event loop
            for partition, records in chunk.items():
                lane = Lane(partition.topic, partition.partition)
                if lane in self._sought:  # else: reassigned during the wait
                    messages = [to_message(record) for record in records]
                    found.setdefault(lane, []).extend(messages)
                    count += len(messages)
                    size += sum(len(message.value) for message in messages)
        return found

    async def _joined(self, timeout_s: float) -> Membership | None:
        """The membership; None while its first assignment is still on the way.

        Raises:
            QueueUnavailable: the group can't be joined, the reason is in it.
        """
        if self._joining is None:
            raise QueueUnavailable("the consumer is not started")
        if self._joining.done() and self._member is not None and (failure := self._member.failure()):
            log.error("kafka consumer of group %r failed and joins again: %r", self._group, failure)
            await self._join_again()
        elif self._recreated:
            log.error("topic %r was created again: reading it from its beginning", self._recreated)
            await self._join_again()
        await asyncio.wait({self._joining}, timeout=timeout_s)
        if self._joining.done():
            self._joining.result()
            return self._member
        if self._refused is not None:
            missing = isinstance(self._refused, UnknownTopicOrPartitionError)
            reason = f"one of {self._topics} is missing, `sluice migrate` makes it" if missing else self._refused
            raise QueueUnavailable(f"group {self._group!r} can't be joined: {reason}") from self._refused
        return None

    async def commit(self, lane: Lane, position: Position, epoch: Epoch) -> None:
        member = self._member
        if member is None or self._epochs.get(lane) != epoch:
            raise Fenced(f"{lane} is not owned under {epoch}")
        kept = stamped(position, self._topic_ids.get(lane, ""))
        await commit_once(member, self._group, lane, kept, epoch, timeout_s=self._options.commit_timeout_s)


def _partitions(lanes: Iterable[Lane]) -> list[TopicPartition]:
    return [TopicPartition(*lane) for lane in lanes]
