"""A gateway under attack, an honest sender and a probe beside it: what they saw."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.attack.raw import head, post
from tests.fuzz.wire import read_answer

DELAY_S = 0.2
PROBE_EVERY_S = 0.05
HONEST_EVERY_S = 0.05


@dataclass
class Report:
    """What came of a siege. Times are seconds, memory is bytes."""

    answered: dict[str, dict[str, int]] = field(default_factory=dict)
    """Kind of attack -> how many were `sent`, and status -> how often that was the answer."""
    probes: list[float] = field(default_factory=list)
    reference: list[float] = field(default_factory=list)
    """The same question to a server that does nothing else, at the same time: what the machine adds."""
    honest: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Honest requests that got no success, or another's answer."""
    peak_bytes: int = 0
    own_bytes: int = 0
    aside_bytes: int = 0
    """The most of the gateway's own process, and of the process aside; their peaks need not fall together."""

    @property
    def successes(self) -> list[str]:
        """Kinds of attacks that were answered as a success although they are no requests."""
        return [kind for kind, counts in self.answered.items() if counts.get("success")]

    @property
    def is_quick(self) -> bool:
        """Whether 99 of 100 probes waited little longer than the machine made a bare server's wait."""
        return percentile(self.probes, 0.99) < DELAY_S + 3 * percentile(self.reference, 0.99)

    def __str__(self) -> str:
        lines = (
            f"{sum(counts['sent'] for counts in self.answered.values())} attacks",
            f"GET /health: {len(self.probes)}, {_times(self.probes)}",
            f"a bare server: {_times(self.reference)}",
            f"honest requests: {len(self.honest)}, {_times(self.honest)}, {len(self.refused)} refused",
            f"memory: {_mb(self.peak_bytes)} MB (own {_mb(self.own_bytes)}, aside {_mb(self.aside_bytes)})",
        )
        return "; ".join(lines)


def _mb(n: int) -> int:
    return n // 1_000_000


def _times(values: list[float]) -> str:
    median, p99, most = (percentile(values, share) * 1000 for share in (0.5, 0.99, 1.0))
    return f"median {median:.0f} ms, p99 {p99:.0f} ms, longest {most:.0f} ms"


def percentile(values: list[float], share: float) -> float:
    """Infinite for no value: who was never answered was not answered in time."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else float("inf")


async def siege(port: int, key: str, pid: int, *, seconds: float, a_second: float, seed: int) -> Report:
    """Attack a gateway for so long, so many attacks a second, all of them drawn from one seed."""
    report = Report()
    arguments = [str(port), str(seconds), str(a_second), str(seed)]
    async with _process("tests.attack.attacker", *arguments) as attacker, _process("tests.attack.reference") as other:
        assert await attacker.read() == "ready"
        reference = int(await other.read())
        await attacker.write("go")
        end = time.monotonic() + seconds
        await asyncio.gather(
            _probe(port, end, report.probes, report.refused),
            _probe(reference, end, report.reference, report.refused),
            _send_honestly(port, key, end, report),
            _watch_memory(pid, end, report),
        )
        report.answered = json.loads(await attacker.read())
    return report


class _Talk:
    """Lines to and from a child."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child

    async def read(self) -> str:
        assert self._child.stdout is not None
        return (await self._child.stdout.readline()).decode().strip()

    async def write(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(line.encode() + b"\n")
        await self._child.stdin.drain()


@asynccontextmanager
async def _process(module: str, *arguments: str) -> AsyncIterator[_Talk]:
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments, **pipes)
    try:
        yield _Talk(child)
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def _probe(port: int, end: float, took: list[float], refused: list[str]) -> None:
    """`GET /health` at fixed times, whether the last one was answered or not: a client that waits for an answer before
    its next question asks little while nobody answers."""
    async with asyncio.TaskGroup() as group:
        while time.monotonic() < end:
            group.create_task(_ask(port, took, refused))
            await asyncio.sleep(PROBE_EVERY_S)


async def _ask(port: int, took: list[float], refused: list[str]) -> None:
    started = time.monotonic()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head("/health", b"Connection: close", method="GET"))
        answer = await read_answer(reader)
        writer.close()
    except OSError as error:
        refused.append(f"GET /health: {error!r}")
        return
    took.append(time.monotonic() - started)
    if answer is None or answer.status != 200 or json.loads(answer.body)["status"] != "ok":
        refused.append(f"GET /health: {answer}")


async def _send_honestly(port: int, key: str, end: float, report: Report) -> None:
    """Batches with a good key on one connection that stays open; each must get its own answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    n = 0
    while time.monotonic() < end:
        n = n % 50 + 1
        logs = [{"level": "info", "message": f"honest {k}"} for k in range(n)]
        started = time.monotonic()
        body = json.dumps({"service": "honest", "logs": logs}).encode()
        writer.write(b"".join(post("/ingest/logs", body, b"Authorization: Bearer " + key.encode())))
        answer = await read_answer(reader)
        report.honest.append(time.monotonic() - started)
        if answer is None or (answer.status, answer.body) != (200, b'{"ok":true,"count":%d}' % n):
            report.refused.append(f"{n} logs: {answer}")
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(HONEST_EVERY_S)
    writer.close()


async def _watch_memory(pid: int, end: float, report: Report) -> None:
    while time.monotonic() < end:
        own, beside = memory_of(pid), sum(map(memory_of, children_of(pid)))
        report.own_bytes, report.aside_bytes = max(report.own_bytes, own), max(report.aside_bytes, beside)
        report.peak_bytes = max(report.peak_bytes, own + beside)
        await asyncio.sleep(0.05)


def memory_of(pid: int) -> int:
    """Bytes of a process; its share of pages that it shares with others."""
    try:
        status = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("Pss:"))


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in tasks.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *children_of(child)]
    return found
