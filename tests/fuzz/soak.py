"""The long fuzz: `python -m tests.fuzz.soak --minutes 10 --seed 7`.

Rounds of new requests to a gateway and a writer on real engines, on each queue in turn, until the time is over or
something is wrong. The exit code is 0 if nothing was; the seed of a round makes the same requests again.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from secrets import randbelow
from typing import Annotated

import typer
from rich.console import Console

from deploy.local.clickhouse import ClickHouse
from deploy.local.engine import Unavailable
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.valkey import Valkey
from tests.fuzz import mixes, regressions
from tests.fuzz.in_process import KNOWN, InProcess
from tests.fuzz.real_processes import RealProcesses
from tests.fuzz.test_fuzz_short import stored

DRAWN = 300
VARIANTS_EACH = 12
RAW = 200


def soak(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long, about; a queue's last round is finished.")] = 10.0,
    seed: Annotated[int | None, typer.Option(help="Seed of the first round; a random one is told.")] = None,
    queue: Annotated[list[str] | None, typer.Option(help="sqlite, kafka, or both, one after the other.")] = None,
) -> None:
    """Send strange requests for a long time; whatever is accepted must be stored, once, and be readable."""
    console = Console(soft_wrap=True)
    first = randbelow(10**6) if seed is None else seed
    console.print(f"fuzz: {minutes:g} minutes, seed {first}")
    names = queue or ["sqlite", "kafka"]
    for name in names:
        try:
            with _processes(name) as processes:
                _rounds(console, name, processes, first, 60 * minutes / len(names))
        except Unavailable as error:
            console.print(f"{name}: skipped, {error}")
        except (AssertionError, ExceptionGroup) as found:
            console.print(f"FAILED on {name}: {_text(found)}", markup=False, highlight=False)
            raise typer.Exit(1) from None
    console.print("passed")


def _rounds(console: Console, name: str, processes: RealProcesses, seed: int, seconds: float) -> None:
    in_process, end, round_ = InProcess(), time.monotonic() + seconds, 0
    processes.send(regressions.ingests(processes.known))
    try:
        while round_ == 0 or time.monotonic() < end:
            began = time.monotonic()
            with _told(console, name, seed + round_):
                rows, logs = _round(processes, in_process, seed + round_)
            console.print(
                f"{name}, seed {seed + round_}: {processes.answers:,} answers, {rows:,} rows, {logs:,} logs read;"
                f" gateway {processes.gateway.peak_bytes / 1e6:.0f} MB,"
                f" writer {processes.writer.peak_bytes / 1e6:.0f} MB;"
                f" {time.monotonic() - began:.0f} s, {max(0.0, end - time.monotonic()):.0f} s left"
            )
            round_ += 1
    finally:
        in_process.close()


def _round(processes: RealProcesses, in_process: InProcess, seed: int) -> tuple[int, int]:
    """(rows stored so far, logs read back)."""
    random = Random(seed)
    for request in mixes.mix(processes.registry, KNOWN, DRAWN, seed + 10**9):
        if request.route in in_process.ingest_routes:
            stored(in_process, request)
    drawn = mixes.mix(processes.registry, processes.known, DRAWN, seed)
    processes.send(drawn)
    processes.send(list(mixes.variants(drawn, random, VARIANTS_EACH)))
    processes.send_raw(list(mixes.raw(processes.known, random, RAW)))
    rows = processes.settle()
    processes.send(regressions.reads(processes.known))
    return rows, processes.read_back()


def _text(found: Exception) -> str:
    return "\n".join(map(_text, found.exceptions)) if isinstance(found, ExceptionGroup) else f"{found!r:.4000}"


@contextmanager
def _told(console: Console, name: str, seed: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        console.print(f"{name}: it was the round of seed {seed}")
        raise


@contextmanager
def _processes(queue: str) -> Iterator[RealProcesses]:
    """Engines of its own, in a folder that goes with them. Raises `Unavailable`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sluice-fuzz-")))
        engines = ClickHouse(folder / "clickhouse", password="fuzz"), Postgres(folder / "postgres", password="fuzz")
        clickhouse, postgres = map(stack.enter_context, engines)
        redis = stack.enter_context(Valkey(folder / "redis"))
        url = f"sqlite:///{folder}/queue.db" if queue == "sqlite" else stack.enter_context(Kafka(folder / "kafka")).url
        yield stack.enter_context(
            RealProcesses(
                folder, postgres_url=postgres.url, clickhouse_url=clickhouse.url, redis_url=redis.url, queue_url=url
            )
        )


if __name__ == "__main__":
    typer.run(soak)
