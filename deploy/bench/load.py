"""The load generator, a process of its own: `python -m deploy.bench.load`, a `Job` on standard input, an `Outcome` on
standard output.

Each connection has one request in flight and stays open. The generator counts every answer by its status, and reads the
CPU time of the process under load at both ends of its window, so that counts and costs belong together.
"""

import asyncio
import subprocess
import sys
from collections import Counter
from time import perf_counter, time
from typing import cast

import msgspec

from deploy.bench.logs import bodies
from deploy.bench.process import cpu_seconds

DIFFERENT_BODIES = 64
_DRAIN_S = 15.0
_TICK_S = 0.005
_SPARE_S = 60.0
"""What a generator may take beyond its window before it is ended."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to send, where, for how long. `pid` is the process under load."""

    port: int
    pid: int
    key: str
    logs: int
    """In each request."""
    connections: int
    warm_up_s: float
    seconds: float
    rate: float | None = None
    """Requests a second over all connections; None: as many as are answered."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `requests` were answered 2xx within the window of `seconds`; `statuses` counts every answer of
    the whole run, the warm-up and the end included."""

    seconds: float
    requests: int
    cpu_s: float
    statuses: dict[str, int]
    sent: int
    body_bytes: float
    """Of one request, on average."""

    @property
    def good(self) -> int:
        return sum(n for status, n in self.statuses.items() if status.startswith("2"))

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def per_cpu_second(self) -> float:
        return self.requests / self.cpu_s

    def check(self) -> None:
        """Raise `LoadFailed` unless every request was answered 2xx."""
        if not self.requests or self.good != self.sent or self.cpu_s <= 0:
            raise LoadFailed(f"{self.sent} requests were sent, {self.requests} counted; answers: {self.statuses}")


class LoadFailed(Exception):
    """Not every request was answered 2xx, or the generator itself failed: the figures would mean nothing."""


class RunningLoad:
    """A generator at work. It ends by itself; `stop` ends it early."""

    def __init__(self, job: Job) -> None:
        self._timeout_s = job.warm_up_s + job.seconds + _DRAIN_S + _SPARE_S
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.bench.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(job))
        self._process.stdin.close()
        self._process.stdin = None

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def outcome(self) -> Outcome:
        """Wait for the end. Raises `LoadFailed`."""
        try:
            output, errors = self._process.communicate(timeout=self._timeout_s)
        except subprocess.TimeoutExpired as error:
            raise LoadFailed(f"the load generator did not end within {self._timeout_s:.0f} s") from error
        finally:
            self.stop()
        if self._process.returncode != 0:
            raise LoadFailed(f"the load generator ended with {errors.decode(errors='replace')[-500:]}")
        return msgspec.json.decode(output, type=Outcome)

    def stop(self) -> None:
        if self.running:
            self._process.kill()
            self._process.communicate()


def drive(job: Job) -> Outcome:
    """Run a job to its end in a process of its own. Raises `LoadFailed`, also for any answer that is not 2xx."""
    outcome = RunningLoad(job).outcome()
    outcome.check()
    return outcome


# The process itself.


def request(body: bytes, job: Job) -> bytes:
    """The bytes of one HTTP request, as an SDK sends it."""
    head = (
        f"POST /ingest/logs HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\nAuthorization: Bearer {job.key}\r\n"
        f"Content-Type: application/json\r\nUser-Agent: sluice-bench/1\r\nAccept: */*\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Generator:
    """All connections of one job."""

    def __init__(self, job: Job) -> None:
        made = bodies(job.logs, DIFFERENT_BODIES, time())
        self._job = job
        self._requests = [request(body, job) for body in made]
        self._next = 0
        self._budget = float("inf") if job.rate is None else 0.0
        self._idle: list[Connection] = []
        self._stopping = False
        self.statuses: Counter[str] = Counter()
        self.sent = 0
        self.body_bytes = sum(map(len, made)) / len(made)

    async def run(self) -> Outcome:
        loop = asyncio.get_running_loop()
        job = self._job
        connections = [
            (await loop.create_connection(lambda: Connection(self), "127.0.0.1", job.port))[1]
            for _ in range(job.connections)
        ]
        for connection in connections:
            self.answered(connection)
        pacer = asyncio.create_task(self._pace(job.rate)) if job.rate else None
        await asyncio.sleep(job.warm_up_s)
        started, cpu, good = perf_counter(), cpu_seconds(job.pid), self.good
        await asyncio.sleep(job.seconds)
        good, cpu, seconds = self.good - good, cpu_seconds(job.pid) - cpu, perf_counter() - started
        self._stopping = True
        if pacer:
            pacer.cancel()
        await self._drain()
        return Outcome(
            seconds=seconds,
            requests=good,
            cpu_s=cpu,
            statuses=dict(self.statuses),
            sent=self.sent,
            body_bytes=self.body_bytes,
        )

    @property
    def good(self) -> int:
        return sum(n for status, n in self.statuses.items() if status.startswith("2"))

    def answered(self, connection: "Connection") -> None:
        """The connection is free: send its next request, or let it wait for its turn."""
        if self._stopping:
            return
        if self._budget < 1.0:
            self._idle.append(connection)
            return
        self._budget -= 1.0
        self.sent += 1
        self._next = (self._next + 1) % DIFFERENT_BODIES
        connection.send(self._requests[self._next])

    async def _pace(self, rate: float) -> None:
        """Let requests go at `rate`; what no connection was free for is not made up for later."""
        started, given = perf_counter(), 0.0
        while True:
            await asyncio.sleep(_TICK_S)
            due = (perf_counter() - started) * rate
            self._budget = min(self._budget + due - given, max(1.0, rate * 4 * _TICK_S))
            given = due
            while self._idle and self._budget >= 1.0:
                self.answered(self._idle.pop())

    async def _drain(self) -> None:
        deadline = perf_counter() + _DRAIN_S
        while self.statuses.total() < self.sent and perf_counter() < deadline:  # noqa: ASYNC110 - an event would cost every answer
            await asyncio.sleep(0.02)


class Connection(asyncio.Protocol):
    """One kept connection: counts the answers by their status lines."""

    _MARK = b"HTTP/1.1 "

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        at = data.find(self._MARK)
        while at >= 0:
            status = data[at + 9 : at + 12].decode("ascii", "replace")
            self._generator.statuses[status] += 1
            self._generator.answered(self)
            at = data.find(self._MARK, at + 12)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None


def main() -> None:
    import uvloop

    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    outcome = uvloop.run(Generator(job).run())
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
