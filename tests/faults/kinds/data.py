"""Faults of the data: messages that can't be stored, unknown formats, lost parts, rewound offsets."""

import json
import time
from collections.abc import Iterator
from random import Random

from shared.envelope import VERSION, Stamp, seal
from shared.queue.base import Lane, Position
from tests.faults.fault import CLICKHOUSE, QUEUE, WRITERS, fault
from tests.faults.sent_records import ACKNOWLEDGED, LOGS
from tests.faults.stack_under_test import GROUP, StackUnderTest
from writer.batch import plan_of

RECORDS_A_POISON = 1_000
TABLE_OF = {"logs": "logs", "drain": "logs", "errors": "errors", "traces": "spans", "llm": "llm_calls"}

_FORMAT_OF = {
    "logs": "deeptracer.logs",
    "drain": "vercel.drain",
    "errors": "deeptracer.errors",
    "traces": "deeptracer.traces",
    "llm": "deeptracer.llm",
}


def _stamp(n: int, fmt: str = "deeptracer.logs") -> Stamp:
    return Stamp(v=VERSION, format=fmt, project_id="faults", received_at=time.time_ns() // 1000, retention_days=30, n=n)


def _logs(ids: list[str]) -> bytes:
    return json.dumps([{"level": "info", "message": "m", "trace_id": each} for each in ids]).encode()


@fault(hold_s=(4.0, 60.0), times=1)
def poison_messages(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """For every 1,000 records one message that can't be stored: each must become exactly one dead letter."""
    number = len(stack.letters)
    before = stack.sent.records(ACKNOWLEDGED)
    for n in range(5):
        _publish_poison(stack, rng, number + n)
    yield
    due = (stack.sent.records(ACKNOWLEDGED) - before) // RECORDS_A_POISON
    for n in range(5, due):
        _publish_poison(stack, rng, number + n)


def _publish_poison(stack: StackUnderTest, rng: Random, number: int) -> None:
    text = f"poison {stack.sent.run} {number}"
    signal, fmt = rng.choice(sorted(_FORMAT_OF.items()))
    kinds = [
        text.encode(),
        seal(_stamp(2, fmt), json.dumps([{"message": text}]).encode()),
        seal(_stamp(1, fmt), f"[nonsense {text}]".encode()),
        seal(_stamp(1, fmt), json.dumps([text]).encode()),
    ]
    poison = kinds[number % len(kinds)]
    stack.letters[poison.decode()] = stack.publish(stack.registry.signals[signal].topic, poison)


@fault(WRITERS, CLICKHOUSE, QUEUE, hold_s=(1.0, 5.0), times=2)
def unknown_format(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Messages of an unknown format: their lanes visibly wait until there are writers that know it."""
    name = f"acme{len(list(stack.extensions.glob('formats/*.py')))}"
    requests = stack.sent.open(name, LOGS)
    for _ in range(8):
        turn, ids = requests.begin(5)
        if stack.publish(stack.registry.signals["logs"].topic, seal(_stamp(5, f"{name}.logs"), _logs(ids))):
            requests.end(turn, ACKNOWLEDGED)
    stack.until(lambda: f"unknown format '{name}.logs'" in str(stack.writers.waiting()), 120, "a lane that waits")
    yield
    folder = stack.extensions / "formats"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(_FORMAT.format(name=name))
    stack.writers.stop()
    stack.writers.fill()


_FORMAT = """
from dataclasses import replace

from shared.formats.deeptracer_logs import FORMAT as LOGS

FORMAT = replace(LOGS, name="{name}.logs")
"""


@fault(WRITERS, CLICKHOUSE, QUEUE, times=5)
def part_lost(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """A writer dies after an insert, and the rows are lost although the token is known: they must come back."""
    stack.writers.stop()
    victim = stack.writers.spawn(failpoint=f"after_insert=kill:{rng.randint(2, 8)}")
    if not victim.wait_ended(120):
        victim.kill()
        raise AssertionError("no insert was made within 120 s")
    deleted = 0
    for lane, (position, _, _) in stack.positions().items():
        if end := plan_of(position):
            rows = f"_topic = '{lane.topic}' AND _partition = {lane.partition} AND _offset >= {position.offset}"
            rows += f" AND _offset < {end}"
            table = TABLE_OF[lane.topic]
            deleted += int(stack.query(f"SELECT count() FROM {table} WHERE {rows}")[0][0])
            stack.query(f"ALTER TABLE {table} DELETE WHERE {rows} SETTINGS mutations_sync = 2")
    stack.notes.append(f"part_lost: {deleted} rows deleted")
    yield
    stack.writers.fill()
    assert deleted, "no planned range had rows to lose"


@fault(WRITERS, QUEUE, times=2)
def offsets_rewound(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """The group's offsets are rewound, as an operator might do: what is stored must not be stored again."""
    stack.writers.stop()
    stack.background.run(_rewind(stack, rng))
    yield
    stack.writers.fill()


async def _rewind(stack: StackUnderTest, rng: Random) -> None:
    lanes = await stack.positions_now()
    listener = _Silent()
    consumer = stack.queue.consumer(GROUP, stack.topics, listener)
    await consumer.start()
    try:
        deadline = time.monotonic() + 90
        while not consumer.epochs().keys() >= lanes.keys():
            await consumer.receive([], timeout_s=0.05)
            assert time.monotonic() < deadline, "the lanes were not assigned"
        for lane, (position, begin, _) in lanes.items():
            back = Position(max(begin, position.offset - rng.randint(0, 200)))
            await consumer.commit(lane, back, consumer.epochs()[lane])
    finally:
        await consumer.stop()


class _Silent:
    def assigned(self, lanes: frozenset[Lane]) -> None: ...

    def revoked(self, lanes: frozenset[Lane]) -> None: ...
