"""What faults act on: a stack of real engines and gateways, and writers that the harness starts itself."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any

from deploy.local.ports import free_port
from shared import settings
from shared.clients.clickhouse import ClickHouse
from shared.queue import open_queue
from shared.queue.base import Lane, Message, Position, QueueUnavailable
from shared.registry import Registry, load
from tests.faults.background import Background
from tests.faults.load import Load
from tests.faults.processes import Writers, unset_of_sluice
from tests.faults.sent_records import SentRecords
from tests.integration.stack import RunningStack, wait_until

GROUP = "sluice-writer"

IMPATIENT = {
    "SLUICE_WRITER_INSERT_TIMEOUT_S": "3",  # inserts end as ambiguous failures and are retried
    "SLUICE_WRITER_BACKOFF_MAX_S": "1",
    "SLUICE_WRITER_SHUTDOWN_S": "5",
    "SLUICE_GATEWAY_PUBLISH_TIMEOUT_S": "2",
    "SLUICE_GATEWAY_SHARE_PORT": "1",  # faults start gateways with other clocks on it
}
SESSION_S = {"sqlite": 2.0, "kafka": 6.0, "cluster": 6.0}
"""A silent writer loses its lanes after this time. Kafka brokers accept no less than 6 s."""

MOST_HOLES = 20

_OPTIONS = {"sqlite": [], "kafka": ["--kafka"], "cluster": ["--kafka", "--brokers", "3", "--shards", "2"]}


def impatient(queue: str) -> dict[str, str]:
    """Settings with short timeouts: faults take effect soon."""
    return {**IMPATIENT, "SLUICE_WRITER_SESSION_TIMEOUT_S": f"{SESSION_S[queue]:g}"}


class StackUnderTest:
    """In a `with`: everything is up, with `writers` filled. `run` is the load of the moment.

    1. The supervisor of `running` restarts engines and gateways that are killed.
    2. Writers belong to the harness: a fault that ends some of them calls `writers.fill()` when it heals.
    3. `may_lose` holds the ids of records that a fault deleted from the queue before they were stored; `lost_messages`
       counts these messages by lane.
    """

    def __init__(self, running: RunningStack, queue: str, writers: int = 2) -> None:
        self.running = running
        self.queue_kind = queue
        self.session_s = SESSION_S[queue]
        self.may_lose: set[str] = set()
        self.lost_messages: dict[Lane, int] = {}
        self.load: Load | None = None
        self.began_ms = 0
        self.letters: dict[str, bool] = {}
        """Messages that can't be stored, by their text: True if the queue has acknowledged them."""
        self.notes: list[str] = []
        self.checks: list[Callable[[], str]] = []
        """Run when the queue is drained; each returns a sentence if its fault did not have its effect."""
        self.extensions = running.folder.parent / f"{running.folder.name}-extensions"
        self.registry: Registry = load()
        self._wanted = writers
        self._exits = ExitStack()

    def __enter__(self) -> "StackUnderTest":
        self.extensions.mkdir(exist_ok=True)
        self.background = self._exits.enter_context(Background())
        self.environment = {
            **unset_of_sluice(),
            **self.running.env,
            **impatient(self.queue_kind),
            "SLUICE_EXTENSIONS": str(self.extensions),
        }
        self._clickhouse = ClickHouse(self.running.env["SLUICE_CLICKHOUSE_URL"], timeout_s=120.0)
        self._exits.callback(self._clickhouse.close)
        self.queue = open_queue(settings.load(self.running.env))
        self._exits.callback(lambda: self.background.run(self.queue.close()))
        self.producer = self.queue.producer()
        self.background.run(self.producer.start())
        self._exits.callback(lambda: self.background.run(self.producer.stop()))
        self.writers = Writers(self.environment, self.running.folder / "log", self.background, self._wanted)
        self._exits.callback(self.writers.kill)
        self.writers.fill()
        return self

    def __exit__(self, *error: object) -> None:
        self._exits.close()

    def begin(self, load: Load) -> None:
        """Start a run: forget what faults did in earlier runs."""
        self.load, self.began_ms = load, time.time_ns() // 1_000_000
        self.may_lose.clear()
        self.lost_messages.clear()
        self.checks.clear()

    # Reading.

    @property
    def topics(self) -> list[str]:
        return sorted(signal.topic for signal in self.registry.signals.values())

    @property
    def sent(self) -> SentRecords:
        assert self.load is not None, "no load runs"
        return self.load.sent

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a statement, run as the admin and without a proxy. Raises `ClickHouseError`."""
        return self._clickhouse.query(sql)

    def positions(self) -> dict[Lane, tuple[Position, int, int]]:
        """For each lane that ever had a message: the committed position, the first offset and the end offset."""
        return self.background.run(self.positions_now())

    def behind(self) -> dict[Lane, int]:
        """Uncommitted messages of each lane that has any; of a transaction's end, which is a hole, there are none."""
        found = {lane: (max(position.offset, begin), end) for lane, (position, begin, end) in self.positions().items()}
        return {
            lane: end - first
            for lane, (first, end) in found.items()
            if end - first > MOST_HOLES or (first < end and self.messages(lane, first, end))
        }

    def messages(self, lane: Lane, first: int, end: int) -> list[Message]:
        return self.background.run(self._read(lane, first, end))

    # Acting.

    def publish(self, topic: str, value: bytes) -> bool:
        """Whether the queue acknowledged it; if not, it may or may not be stored."""
        try:
            self.background.run(self.producer.publish(topic, value))
        except QueueUnavailable:
            return False
        return True

    def signal_role(self, role: str, rng: Random, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to one of the stack's processes of a role."""
        pids = [each["pid"] for each in self.running.processes() if each["role"] == role and each["pid"]]
        if pids:
            os.kill(rng.choice(pids), number)

    def kill_role(self, role: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the process of this role, if it runs."""
        for each in self.running.processes():
            if each["role"] == role and each["pid"]:
                os.kill(each["pid"], number)

    def goes_on(self, within_s: float, more: int = 20) -> None:
        """Wait until so many more requests are acknowledged."""
        assert self.load is not None, "no load runs"
        self.load.wait_for(200, more, within_s)

    def until(self, true: Callable[[], Any], within_s: float, what: str) -> Any:
        """Wait until it is true; the error also tells what the writers' lanes wait for."""
        try:
            return wait_until(true, within_s, what, every_s=0.1)
        except AssertionError as error:
            raise AssertionError(f"{error}; the lanes wait for: {self.writers.waiting() or 'nothing'}") from None

    async def positions_now(self) -> dict[Lane, tuple[Position, int, int]]:
        """`positions`, for callers on the event loop."""
        lanes = await self.queue.lanes(self.topics)
        committed, begins, ends = await asyncio.gather(
            self.queue.committed(GROUP, lanes), self.queue.begin_offsets(lanes), self.queue.end_offsets(lanes)
        )
        return {lane: (committed[lane] or Position(0), begins[lane], ends[lane]) for lane in lanes if ends[lane]}

    async def _read(self, lane: Lane, first: int, end: int) -> list[Message]:
        found: AsyncIterator[list[Message]] = self.queue.read(lane, first, end)
        return [message async for chunk in found for message in chunk]


@contextmanager
def stack_under_test(folder: Path, queue: str, *, gateways: int = 2, writers: int = 2) -> Iterator[StackUnderTest]:
    """A new stack in this folder, on this queue: sqlite, kafka, or three brokers and two shards (cluster)."""
    # Gateways share their port on purpose, so two stacks that start at once must not choose the same one.
    options = ["--port", str(free_port()), "--writers", "0", "--gateways", str(gateways)]
    options += _OPTIONS[queue]
    running = RunningStack(folder, *options, environment=impatient(queue))
    try:
        running.start()
        with StackUnderTest(running, queue, writers) as made:
            yield made
    finally:
        running.stop()
