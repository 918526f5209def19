"""The load generator, a process of its own: sends ready-made requests over many kept connections.

Each connection has one request in flight. The generator counts every answer by its status, and reads the CPU time of
the process under load at both ends of its window, so that counts and costs belong together.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from itertools import cycle
from time import perf_counter
from typing import cast

import msgspec
import uvloop

from deploy.bench.jobs import JobFailed, Running, serve
from deploy.bench.process import cpu_seconds
from deploy.local.ports import HOST

_DRAIN_S = 15.0
_SPARE_S = 45.0
"""What the process may take beyond that."""
_TICK_S = 0.005


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to send, where, and for how long. `pid` is the process under load."""

    port: int
    pid: int
    requests: list[bytes]
    """Whole HTTP requests, head and body (`request` makes them), sent one after the other, again and again."""
    connections: int
    warm_up_s: float
    seconds: float
    rate: float | None = None
    """Requests a second over all connections; None: as many as are answered."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a job. `requests` were answered 2xx within the window of `seconds`, and cost the process `cpu_s`;
    `sent` and `statuses` count the whole run, the warm-up and the end included."""

    seconds: float
    requests: int
    cpu_s: float
    sent: int
    statuses: dict[str, int]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def per_cpu_second(self) -> float:
        """Requests a CPU-second of the process under load."""
        return self.requests / self.cpu_s

    def checked(self) -> "Outcome":
        """Itself. Raises `JobFailed` unless every request was answered 2xx."""
        if not self.requests or _good(self.statuses) != self.sent or self.cpu_s <= 0:
            raise JobFailed(f"{self.sent} requests were sent, the answers by status are {self.statuses}")
        return self


def _good(statuses: dict[str, int]) -> int:
    return sum(n for status, n in statuses.items() if status.startswith("2"))


def start(job: Job) -> Running[Outcome]:
    """Begin with a job in a process of its own."""
    return Running("deploy.bench.load", job, Outcome, job.warm_up_s + job.seconds + _DRAIN_S + _SPARE_S)


def drive(job: Job) -> Outcome:
    """Do a job to its end. Raises `JobFailed`, also when an answer was not 2xx."""
    running = start(job)
    try:
        return running.result().checked()
    finally:
        running.stop()


def request(path: str, port: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """The bytes of one HTTP request, as an SDK sends it."""
    head = {
        "Host": f"{HOST}:{port}",
        "User-Agent": "sluice-bench/1",
        "Accept": "*/*",
        **headers,
        "Content-Length": str(len(body)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


# In the process itself.


class Generator:
    """All connections of one job."""

    def __init__(self, job: Job) -> None:
        self.statuses: Counter[str] = Counter()
        self._job = job
        self._requests = cycle(job.requests)
        self._sent = 0
        self._budget = float("inf") if job.rate is None else 0.0
        self._idle: list[Connection] = []
        self._stopping = False

    async def run(self) -> Outcome:
        job = self._job
        loop = asyncio.get_running_loop()
        for _ in range(job.connections):
            await loop.create_connection(lambda: Connection(self), HOST, job.port)
        pacer = asyncio.create_task(self._pace(job.rate)) if job.rate else None
        await asyncio.sleep(job.warm_up_s)
        began, cpu_s, good = perf_counter(), cpu_seconds(job.pid), _good(self.statuses)
        await asyncio.sleep(job.seconds)
        seconds, cpu_s, good = perf_counter() - began, cpu_seconds(job.pid) - cpu_s, _good(self.statuses) - good
        self._stopping = True
        if pacer:
            pacer.cancel()
        await self._drain()
        return Outcome(
            seconds=seconds,
            requests=good,
            cpu_s=cpu_s,
            sent=self._sent,
            statuses=dict(self.statuses),
        )

    def free(self, connection: "Connection") -> None:
        """The connection waits for nothing: send its next request, or let it wait for its turn."""
        if self._stopping:
            return
        if self._budget < 1.0:
            self._idle.append(connection)
            return
        self._budget -= 1.0
        connection.send(next(self._requests))
        self._sent += 1

    def lost(self, connection: "Connection") -> None:
        """The server closed the connection. One without a request on it may be closed at any time."""
        if connection in self._idle:
            self._idle.remove(connection)
        elif not self._stopping:
            self.statuses["closed"] += 1

    async def _pace(self, rate: float) -> None:
        """Allow requests at `rate`; those for which no connection was free are not sent later."""
        began, given = perf_counter(), 0.0
        while True:
            await asyncio.sleep(_TICK_S)
            due = (perf_counter() - began) * rate
            self._budget = min(self._budget + due - given, max(1.0, rate * 4 * _TICK_S))
            given = due
            while self._idle and self._budget >= 1.0:
                self.free(self._idle.pop())

    async def _drain(self) -> None:
        deadline = perf_counter() + _DRAIN_S
        while self.statuses.total() < self._sent and perf_counter() < deadline:  # noqa: ASYNC110 - an event would cost every answer
            await asyncio.sleep(0.02)


class Connection(asyncio.Protocol):
    """One kept connection: the next request is sent when the whole answer to the one before has come."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._generator.free(self)

    def send(self, data: bytes) -> None:
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if (status := complete(self._received)) is not None:
            self._received = b""
            self._generator.statuses[status] += 1
            self._generator.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing reconnects: a request on it is never answered, which `Outcome.checked` reports."""
        self._generator.lost(self)


_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


def complete(answer: bytes) -> str | None:
    """The status of an HTTP answer that has come whole, else None. It must say its length."""
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return None
    length = _LENGTH.search(answer, 0, head + 2)
    if length is None or len(answer) < head + 4 + int(length[1]):
        return None
    return answer[9:12].decode("ascii", "replace")


if __name__ == "__main__":
    serve(Job, lambda job: uvloop.run(Generator(job).run()))
