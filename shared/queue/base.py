"""The queue's contract: what the gateway, the writer and the operator's commands may rely on.

Two queues keep it: Apache Kafka (`kafka/`) and one SQLite file (`sqlite/`). One suite, `tests/contract`, runs on both.

Words are Kafka's: a topic has partitions, a partition is a log of messages with rising offsets (holes are allowed), a
group of consumers shares the partitions, and each group commits, per partition, the offset of the next message it wants
together with a short text of its own (the metadata).
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import msgspec


class Lane(NamedTuple):
    """One partition of one topic: what is read, inserted and committed in order."""

    topic: str
    partition: int


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message of a lane. `timestamp_ms` is the queue's append time, Unix milliseconds.

    `damage`: why the queue can't give the message as it was published; then `value` is what is left of it.
    """

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes
    damage: str = ""


class Position(NamedTuple):
    """What a group has committed in a lane: the offset of the next message wanted, and a text of the group's own."""

    offset: int
    metadata: str = ""


class Published(NamedTuple):
    """Where a message was stored. `spooled`: on this machine's disk, from which it goes to the queue."""

    lane: Lane
    offset: int
    spooled: bool = False


class Epoch(NamedTuple):
    """One stretch of ownership of a lane. Equal epochs mean that no other member owned it in between."""

    generation: int
    member: str
    assignment: int


class Group(NamedTuple):
    """A group that the queue knows; `members` are those alive now."""

    name: str
    members: int


@dataclass(frozen=True)
class TopicSpec:
    """A topic as `Queue.create_topics` makes it. Sizes in bytes, times in milliseconds.

    A compacted topic keeps the newest message of every key, without limit of age; its messages must have keys.
    """

    name: str
    partitions: int
    retention_ms: int
    max_message_bytes: int
    compacted: bool = False


class QueueError(Exception):
    """The base of all errors of a queue."""


class QueueUnavailable(QueueError):
    """Try again later. A publish that ends so may or may not have been stored; a commit likewise."""


class NotStored(QueueUnavailable):
    """The same, and it is certain that nothing was stored and nothing will be."""


class GivenBack(NotStored):
    """The same: the queue is away, and who asked for it keeps the message elsewhere."""


class QueueFull(NotStored):
    """The queue, or what is in flight to it, has reached its size limit."""


class MessageTooLarge(QueueError):
    """Nothing was stored and nothing will be: the message is over the topic's limit."""


class UnfitTopic(QueueError):
    """A topic can't take all the messages that our settings allow; the text says what to do."""


class Fenced(QueueError):
    """The lane has had another owner since the epoch given: forget what was read under it."""


class GroupInUse(QueueError):
    """The group has members: stop them first. Nothing was changed."""


class UnknownGroup(QueueError):
    """There is no such group."""


class AssignmentListener(Protocol):
    """Learns about the lanes of one consumer, on its event loop. Both calls return at once and never raise."""

    def assigned(self, lanes: frozenset[Lane]) -> None:
        """This consumer owns these lanes now, each under a new epoch. They are not read before `Consumer.seek`."""

    def revoked(self, lanes: frozenset[Lane]) -> None:
        """This consumer no longer owns these lanes; commits under their epochs will be refused."""


class Producer(Protocol):
    async def start(self) -> None:
        """Return at once, also when the queue is away: connecting goes on in the background."""

    async def stop(self) -> None:
        """Finish what is in flight (bounded), then close."""

    @property
    def in_flight_bytes(self) -> int:
        """Bytes of messages that wait for the queue's acknowledgement."""

    async def publish(self, topic: str, value: bytes, key: bytes | None = None) -> Published:
        """Store a message and return when it is durable (Kafka: `acks=all`; SQLite: committed with fsync).

        Without a key the partition is the sticky one of the moment; with a key it follows from the key.

        Raises:
            QueueFull: at once, nothing stored.
            NotStored: the wait is over (bounded), and the message was never handed to the queue.
            QueueUnavailable: the wait is over (bounded), the outcome is unknown.
            MessageTooLarge: nothing stored.
        """

    def check(self) -> None:
        """Raise `QueueUnavailable` while something is on its way to the queue and nothing is acknowledged."""


class Consumer(Protocol):
    """One member of a group."""

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Leave the group; the others get the lanes at once."""

    def epochs(self) -> Mapping[Lane, Epoch]:
        """The lanes owned now, each with the epoch to commit under."""

    async def committed(self, lanes: Iterable[Lane]) -> dict[Lane, Position | None]:
        """What the group has committed, metadata included; None where nothing was. Raises `QueueUnavailable`."""

    def seek(self, lane: Lane, offset: int) -> None:
        """The next message received of this lane is the first one at or after `offset`. Drops what was prefetched."""

    async def receive(
        self, lanes: Iterable[Lane], *, timeout_s: float, max_messages: int = 1000
    ) -> dict[Lane, list[Message]]:
        """Messages of these lanes only, in offset order, waiting at most `timeout_s` for the first.

        Keeps the membership alive, also with no lanes at all; lanes that were never sought give nothing. An offset that
        retention has passed goes on from the earliest one: the caller sees the gap in the offsets. Raises
        `QueueUnavailable`.
        """

    def pause(self, lanes: Iterable[Lane]) -> None:
        """Fetch nothing more of these lanes; the membership and the positions stay."""

    def resume(self, lanes: Iterable[Lane]) -> None: ...

    async def commit(self, lane: Lane, position: Position, epoch: Epoch) -> None:
        """Commit under the epoch given, in one try that is never repeated across an assignment.

        Raises:
            Fenced: the lane has another owner or another epoch since; nothing was committed.
            QueueUnavailable: unknown; the caller may try again under the same epoch.
        """


class TopicState(NamedTuple):
    """Of its worst partition. `min_in_sync`: copies in sync without which nothing is written."""

    partitions: int
    brokers: int = 1
    copies: int = 1
    in_sync: int = 1
    min_in_sync: int = 1
    without_leader: int = 0
    is_unclean: bool = False
    """A copy that is not in sync may become the leader."""
    forbidden: tuple[str, ...] = ()
    """Of read, write and describe what this user may not do with it."""


class Room(NamedTuple):
    """One place where the queue keeps messages, and the room on its disk, bytes."""

    place: str
    free: int
    total: int


class Queue(Protocol):
    """One queue: makes producers and consumers, and answers questions without joining a group."""

    def producer(self) -> Producer: ...

    def consumer(self, group: str, topics: Iterable[str], listener: AssignmentListener) -> Consumer: ...

    async def create_topics(self, specs: Iterable[TopicSpec]) -> list[str]:
        """Make the topics that are missing and return their names; safe to run by two processes at once."""

    async def check_topics(self, topics: Iterable[str]) -> list[str]:
        """The names of those topics that are missing, sorted.

        Raises:
            UnfitTopic: one of the others refuses messages which our producers may send
            (delivery.md, "The Kafka producer").
        """

    async def topic_states(self, topics: Iterable[str]) -> dict[str, TopicState]:
        """How each of these topics is kept; those that are missing are left out."""

    async def sizes(self, topics: Iterable[str]) -> dict[str, int]:
        """The bytes that each of these topics takes, packed, without replicas; those that are missing are left out."""

    async def rooms(self) -> list[Room]:
        """Where messages are kept, and what is free there; nothing where that can't be known."""

    async def fullness(self) -> float:
        """How much of its size limit is taken by messages that not every group has consumed, from 0 to about 1.

        At 1 producers raise `QueueFull`. 0 where there is no such limit.
        """

    async def lanes(self, topics: Iterable[str]) -> list[Lane]:
        """All lanes of these topics that exist, sorted."""

    async def begin_offsets(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        """The first offset that retention has left in each lane (the end offset of an empty one)."""

    async def end_offsets(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        """The offset up to which each lane can be read: that of its next message, or, on Kafka, of the first one of a
        transaction that is open."""

    async def high_watermarks(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        """The offset that the next message of each lane will get. Messages between its end and this one are stored,
        and can't be read yet (delivery.md, "Transactions in the queue")."""

    async def offsets_at(self, lanes: Iterable[Lane], timestamp_ms: int) -> dict[Lane, int]:
        """The first offset appended at or after this time; the end offset where there is none."""

    async def committed(self, group: str, lanes: Iterable[Lane]) -> dict[Lane, Position | None]:
        """What a group has committed, read from outside, whether it runs or not."""

    async def groups(self) -> list[Group]:
        """All groups that have ever had a member or a position, sorted."""

    async def members(self, group: str, topic: str) -> int:
        """How many members of a group are alive now that read this topic, or may: Kafka hides it while a group
        rebalances. 0 for a group that there is not."""

    async def forget_group(self, group: str) -> None:
        """Drop a group with its positions, so that a group that is gone for good stops holding back retention.

        Raises:
            GroupInUse, UnknownGroup
        """

    def read(self, lane: Lane, first: int, end: int, *, undecided: bool = False) -> AsyncIterator[list[Message]]:
        """All messages with `first <= offset < end`, in chunks, without touching any group. `undecided`: those of
        transactions, too, that are open, or were aborted."""

    async def ping(self, topics: Iterable[str] = ()) -> None:
        """Raise `QueueUnavailable` unless the queue can take a message now, of each of these topics in each lane."""

    async def close(self) -> None: ...
