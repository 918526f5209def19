"""What readers cost ingest: logs that are accepted and stored a second, alone and with readers beside it, in turn."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import perf_counter, sleep

import msgspec

from deploy.bench import load
from deploy.bench.effort import Effort
from deploy.bench.engines import Phase
from deploy.bench.gateway_bench import VARIED, requests
from deploy.bench.jobs import JobFailed
from deploy.bench.reading.known import known
from deploy.bench.reading.questions import questions
from deploy.bench.reading.readers import Readers
from deploy.bench.reading.stage import Stage
from deploy.local.sluice_processes import Gateway, Writer
from shared.clients.clickhouse import ClickHouse

READERS = 5
EVERY_S = {"one a second each": 1.0, "without a pause": 0.0}
"""How the readers ask -> seconds from one question of a reader to the next."""

_LOOK_EVERY_S = 0.05
_LEAST_LOGS_A_SECOND = 2_000


class Beside(msgspec.Struct, frozen=True):
    """Logs a second, accepted and stored, alone and then with readers; and how long these waited, milliseconds."""

    alone: float
    read: float
    waited_ms: list[float]


def steps(rounds: int) -> int:
    return rounds * (1 + len(EVERY_S))


def measure_ingest(stage: Stage, effort: Effort, step: Callable[[str], None]) -> dict[str, list[Beside]]:
    """How the readers ask -> its rounds. Raises `JobFailed`. `step` is called `steps` times."""
    found: dict[str, list[Beside]] = {how: [] for how in EVERY_S}
    with _ingest(stage.phase) as gateway:
        job = _job(stage, gateway, effort)
        targets = _targets(stage)
        for number in range(effort.rounds):
            step(f"ingest alone, round {number + 1}")
            alone = _logs_a_second(job, stage.clickhouse, nullcontext())
            for how, every_s in EVERY_S.items():
                step(f"ingest beside {READERS} readers, {how}, round {number + 1}")
                readers = Readers([stage.asker() for _ in range(READERS)], targets, every_s)
                found[how].append(Beside(alone, _logs_a_second(job, stage.clickhouse, readers), readers.ms))
    return found


def _targets(stage: Stage) -> list[str]:
    with stage.asker() as asker:
        names = known(stage.week, asker)
    return [question.target(stage.week, names) for _, question in questions() if not question.is_page]


def _job(stage: Stage, gateway: Gateway, effort: Effort) -> load.Job:
    port = gateway.port or 0
    return load.Job(
        port=port,
        pid=gateway.pid or 0,
        requests=requests(port, stage.engines.demo.ingest_key, VARIED),
        connections=effort.connections,
        warm_up_s=0.0,
        seconds=effort.seconds,
    )


@contextmanager
def _ingest(phase: Phase) -> Iterator[Gateway]:
    """Gateway and writer, each a process of its own."""
    roles = {"SLUICE_GATEWAY_ROLES": "ingest"}
    with (
        Writer(phase.log("writer"), None, phase.environment),
        Gateway(phase.log("gateway"), None, {**phase.environment, **roles}) as gateway,
    ):
        yield gateway


def _logs_a_second(job: load.Job, clickhouse: ClickHouse, readers: AbstractContextManager[object]) -> float:
    """From the first request to the last stored log: all that the gateway accepts in the job's time."""
    before = _count(clickhouse)
    began = perf_counter()
    with readers:
        logs = load.drive(job).sent * VARIED.records
        deadline = perf_counter() + 30 + logs / _LEAST_LOGS_A_SECOND
        while (stored := _count(clickhouse) - before) < logs:
            if perf_counter() > deadline:
                raise JobFailed(f"{logs:,} logs were accepted, {stored:,} of them are stored in time")
            sleep(_LOOK_EVERY_S)
        return logs / (perf_counter() - began)


def _count(clickhouse: ClickHouse) -> int:
    ((rows,),) = clickhouse.query("SELECT count() FROM logs")
    return int(rows)
