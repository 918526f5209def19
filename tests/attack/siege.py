"""A gateway under attack, an honest sender and a probe beside it: what they saw."""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.attack.raw import head, post
from tests.fuzz.wire import read_answer

PROBE_EVERY_S = 0.05
HONEST_EVERY_S = 0.05


@dataclass
class Report:
    """What came of a siege. Times are seconds, memory is bytes."""

    answered: dict[str, dict[str, int]] = field(default_factory=dict)
    """Kind of attack -> how many were `sent`, and status -> how often that was the answer."""
    probes: list[float] = field(default_factory=list)
    honest: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Honest requests that got no success, or another's answer."""
    peak_bytes: int = 0

    @property
    def successes(self) -> list[str]:
        """Kinds of attacks that were answered as a success although they are no requests."""
        return [kind for kind, counts in self.answered.items() if counts.get("success")]

    @property
    def probe_p99(self) -> float:
        return percentile(self.probes, 0.99)

    @property
    def honest_p99(self) -> float:
        return percentile(self.honest, 0.99)

    def __str__(self) -> str:
        lines = (
            f"{sum(counts['sent'] for counts in self.answered.values())} attacks",
            f"GET /health: {len(self.probes)}, {_times(self.probes)}",
            f"honest requests: {len(self.honest)}, {_times(self.honest)}, {len(self.refused)} refused",
            f"memory: {self.peak_bytes / 1e6:.0f} MB",
        )
        return "; ".join(lines)


def _times(values: list[float]) -> str:
    median, p99, most = (percentile(values, share) * 1000 for share in (0.5, 0.99, 1.0))
    return f"median {median:.0f} ms, p99 {p99:.0f} ms, longest {most:.0f} ms"


def percentile(values: list[float], share: float) -> float:
    """Infinite for no value: who was never answered was not answered in time."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else float("inf")


async def siege(port: int, key: str, pid: int, *, seconds: float, a_second: float, seed: int) -> Report:
    """Attack a gateway for so long, so many attacks a second, all of them drawn from one seed."""
    report = Report()
    arguments = ["-m", "tests.attack.attacker", str(port), str(seconds), str(a_second), str(seed)]
    attacker = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert attacker.stdin is not None
    assert attacker.stdout is not None
    try:
        assert await attacker.stdout.readline() == b"ready\n"
        attacker.stdin.write(b"go\n")
        end = time.monotonic() + seconds
        await asyncio.gather(
            _probe(port, end, report), _send_honestly(port, key, end, report), _watch_memory(pid, end, report)
        )
        report.answered = json.loads(await attacker.stdout.readline())
    finally:
        if attacker.returncode is None:
            attacker.kill()
        await attacker.wait()
    return report


async def _probe(port: int, end: float, report: Report) -> None:
    """`GET /health` at fixed times, whether the last one was answered or not: who waits for an answer before the next
    question asks little while nobody answers."""
    async with asyncio.TaskGroup() as group:
        while time.monotonic() < end:
            group.create_task(_ask(port, report))
            await asyncio.sleep(PROBE_EVERY_S)


async def _ask(port: int, report: Report) -> None:
    started = time.monotonic()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head("/health", b"Connection: close", method="GET"))
        answer = await read_answer(reader)
        writer.close()
    except OSError as error:
        report.refused.append(f"GET /health: {error!r}")
        return
    report.probes.append(time.monotonic() - started)
    if answer is None or answer.status != 200 or json.loads(answer.body)["status"] != "ok":
        report.refused.append(f"GET /health: {answer}")


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
        report.peak_bytes = max(report.peak_bytes, memory_of(pid))
        await asyncio.sleep(0.05)


def memory_of(pid: int) -> int:
    """Bytes of a process and all that it started, shared pages once for each."""
    total = 0
    for one in (pid, *children_of(pid)):
        try:
            status = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("Pss:"))
    return total


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
