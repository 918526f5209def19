"""What faults act on: a whole stack of real engines, writers of the harness's own, and questions to the queue."""

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
from tests.faults.books import Books
from tests.faults.load import Load
from tests.faults.processes import Writers, unset_of_sluice
from tests.integration.stack import RunningStack, wait_until

GROUP = "sluice-writer"

IMPATIENT = {
    "SLUICE_WRITER_INSERT_TIMEOUT_S": "3",  # so that inserts end as ambiguous failures and are tried again
    "SLUICE_WRITER_BACKOFF_MAX_S": "1",
    "SLUICE_WRITER_SHUTDOWN_S": "5",
    "SLUICE_GATEWAY_PUBLISH_TIMEOUT_S": "2",
    "SLUICE_GATEWAY_SHARE_PORT": "1",  # with gateways of other clocks
}
SESSION_S = {"sqlite": 2.0, "kafka": 6.0}
"""After so long a silent writer loses its lanes. Kafka's brokers accept no shorter one."""


def impatient(queue: str) -> dict[str, str]:
    """Settings with which faults are felt soon."""
    return {**IMPATIENT, "SLUICE_WRITER_SESSION_TIMEOUT_S": f"{SESSION_S[queue]:g}"}


class Arena:
    """In a `with`: everything is up, with `writers` filled. `run` is the load of the moment.

    1. Engines and gateways are the stack's: killed, its supervisor brings them back.
    2. Writers are the harness's: a fault that ends some leaves `writers.fill()` behind.
    3. `may_lose` are the ids of records that a fault took out of the queue before they were stored; `lost_messages` how
       many messages that were, by lane.
    """

    def __init__(self, stack: RunningStack, queue: str, writers: int = 2) -> None:
        self.stack = stack
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
        """What faults want to see when all is drained: a sentence if it isn't so."""
        self.extensions = stack.folder.parent / f"{stack.folder.name}-extensions"
        self.registry: Registry = load()
        self._wanted = writers
        self._exits = ExitStack()

    def __enter__(self) -> "Arena":
        self.extensions.mkdir(exist_ok=True)
        self.background = self._exits.enter_context(Background())
        self.environment = {
            **unset_of_sluice(),
            **self.stack.env,
            **impatient(self.queue_kind),
            "SLUICE_EXTENSIONS": str(self.extensions),
        }
        self._clickhouse = ClickHouse(self.stack.env["SLUICE_CLICKHOUSE_URL"], timeout_s=120.0)
        self._exits.callback(self._clickhouse.close)
        self.queue = open_queue(settings.load(self.stack.env))
        self._exits.callback(lambda: self.background.run(self.queue.close()))
        self.producer = self.queue.producer()
        self.background.run(self.producer.start())
        self._exits.callback(lambda: self.background.run(self.producer.stop()))
        self.writers = Writers(self.environment, self.stack.folder / "log", self.background, self._wanted)
        self._exits.callback(self.writers.kill)
        self.writers.fill()
        return self

    def __exit__(self, *error: object) -> None:
        self._exits.close()

    def begin(self, load: Load) -> None:
        """A run begins: what faults took in earlier ones is over."""
        self.load, self.began_ms = load, time.time_ns() // 1_000_000
        self.may_lose.clear()
        self.lost_messages.clear()
        self.checks.clear()

    # Looking.

    @property
    def topics(self) -> list[str]:
        return sorted(signal.topic for signal in self.registry.signals.values())

    @property
    def books(self) -> Books:
        assert self.load is not None, "no load runs"
        return self.load.books

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a statement, as the admin, past all proxies. Raises `ClickHouseError`."""
        return self._clickhouse.query(sql)

    def positions(self) -> dict[Lane, tuple[Position, int, int]]:
        """For each lane that ever had a message: what is committed, the first offset and the end."""
        return self.background.run(self.positions_now())

    def behind(self) -> dict[Lane, int]:
        """Messages that aren't committed, of the lanes that have any."""
        found = {lane: end - max(position.offset, begin) for lane, (position, begin, end) in self.positions().items()}
        return {lane: messages for lane, messages in found.items() if messages > 0}

    def messages(self, lane: Lane, first: int, end: int) -> list[Message]:
        return self.background.run(self._read(lane, first, end))

    # Acting.

    def publish(self, topic: str, value: bytes) -> bool:
        """Whether the queue has acknowledged it; if not, it may be stored or not."""
        try:
            self.background.run(self.producer.publish(topic, value))
        except QueueUnavailable:
            return False
        return True

    def signal_role(self, role: str, rng: Random, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to one of the stack's processes of a role."""
        pids = [each["pid"] for each in self.stack.processes() if each["role"] == role and each["pid"]]
        if pids:
            os.kill(rng.choice(pids), number)

    def until(self, true: Callable[[], Any], within_s: float, what: str) -> Any:
        """Wait for it; what the writers wait for is part of the complaint."""
        try:
            return wait_until(true, within_s, what, every_s=0.1)
        except AssertionError as error:
            raise AssertionError(f"{error}; the lanes wait for: {self.writers.waiting() or 'nothing'}") from None

    async def positions_now(self) -> dict[Lane, tuple[Position, int, int]]:
        """The same, on the event loop."""
        lanes = await self.queue.lanes(self.topics)
        committed, begins, ends = await asyncio.gather(
            self.queue.committed(GROUP, lanes), self.queue.begin_offsets(lanes), self.queue.end_offsets(lanes)
        )
        return {lane: (committed[lane] or Position(0), begins[lane], ends[lane]) for lane in lanes if ends[lane]}

    async def _read(self, lane: Lane, first: int, end: int) -> list[Message]:
        found: AsyncIterator[list[Message]] = self.queue.read(lane, first, end)
        return [message async for chunk in found for message in chunk]


@contextmanager
def arena(folder: Path, queue: str, *, gateways: int = 2, writers: int = 2) -> Iterator[Arena]:
    """A stack of its own on the folder, with that queue: sqlite or kafka."""
    # A port of its own: gateways share one on purpose, also with those of another stack that starts at this moment.
    options = ["--port", str(free_port()), "--writers", "0", "--gateways", str(gateways)]
    options += ["--kafka"] if queue == "kafka" else []
    stack = RunningStack(folder, *options, environment=impatient(queue))
    try:
        stack.start()
        with Arena(stack, queue, writers) as made:
            yield made
    finally:
        stack.stop()
