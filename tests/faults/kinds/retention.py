"""Retention that is too short: messages are deleted from the queue before a writer has read them."""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from random import Random

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from shared.queue.base import Lane
from shared.queue.kafka.options import addresses
from tests.faults.fault import CLICKHOUSE, QUEUE, WRITERS, fault
from tests.faults.stack_under_test import StackUnderTest

UNREAD = 20
BROKER_WRITES_IT_DOWN_S = 4.0
"""The local broker stores every second where its logs begin. Killed before that, it has the deleted messages again."""

_ID = re.compile(rb'"(?:trace_id|traceId|id)":\s?"([a-z0-9]+-[a-z0-9]+-\d+-\d+)"')


@fault(WRITERS, CLICKHOUSE, QUEUE, hold_s=(1.0, 3.0), times=2)  # some faults wait for writers that insert
def retention_passed(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Half of the unread messages are deleted from the queue: the gap is counted, and nothing else is lost."""
    stack.writers.kill()
    stack.until(lambda: sum(stack.behind().values()) >= UNREAD, 60, "messages that no writer has read")
    lost = 0
    for lane, (position, begin, end) in stack.positions().items():
        first = max(position.offset, begin)
        if end - first >= 2:
            lost += _lose(stack, lane, first, first + (end - first) // 2)
    assert lost, "there was nothing to lose"
    time.sleep(BROKER_WRITES_IT_DOWN_S)
    stack.notes.append(f"retention_passed: {lost} messages deleted")
    yield
    stack.writers.fill()


def _lose(stack: StackUnderTest, lane: Lane, first: int, upto: int) -> int:
    """Delete the messages from `first` to about `upto`. Returns how many were lost."""
    unread = stack.messages(lane, first, upto)
    begin = (_delete_from_kafka if stack.queue_kind == "kafka" else _delete_from_file)(stack, lane, upto)
    for message in unread:
        if message.offset < begin:
            stack.may_lose |= {found.decode() for found in _ID.findall(message.value)}
            if (poison := message.value.decode(errors="replace")) in stack.letters:
                stack.letters[poison] = False  # nobody has read it, so it may have no letter
    lost = max(0, begin - first)
    stack.lost_messages[lane] = stack.lost_messages.get(lane, 0) + lost
    return lost


def _delete_from_kafka(stack: StackUnderTest, lane: Lane, upto: int) -> int:
    """Delete everything below `upto`. Returns the first offset that is left."""

    async def delete() -> int:
        admin = AIOKafkaAdminClient(bootstrap_servers=addresses(stack.running.env["SLUICE_QUEUE_URL"]))
        await admin.start()
        try:
            partition = TopicPartition(*lane)
            return int((await admin.delete_records({partition: RecordsToDelete(upto)}))[partition])
        finally:
            await admin.close()

    return stack.background.run(delete())


def _delete_from_file(stack: StackUnderTest, lane: Lane, upto: int) -> int:
    """Delete the segments that end below `upto`, which the queue itself never does. Returns the first offset left."""
    path = stack.running.env["SLUICE_QUEUE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        (lane_id,) = db.execute("SELECT id FROM lanes WHERE topic = ? AND partition = ?", lane).fetchone()
        doomed = (lane_id, upto)
        end, size = db.execute(
            "SELECT max(end), sum(length(data)) FROM segments WHERE lane = ? AND end <= ?", doomed
        ).fetchone()
        if end is not None:
            db.execute("DELETE FROM segments WHERE lane = ? AND end <= ?", doomed)
            db.execute("UPDATE lanes SET begin = ?, bytes = bytes - ? WHERE id = ?", (end, size, lane_id))
        db.execute("COMMIT")
        return int(end or 0)
