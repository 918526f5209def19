"""Whole requests of 100 records through a gateway, in turn with the same logs in DeepTracer's JSON."""

from collections.abc import Callable
from time import time

from deploy.bench.effort import Effort
from deploy.bench.engines import Engines
from deploy.bench.load import Job, Outcome, drive, request
from deploy.bench.logs import arrays
from deploy.bench.otlp.alone import DIFFERENT, RECORDS
from deploy.bench.otlp.bodies import CASES
from deploy.local.sluice_processes import Gateway

RequestsRound = dict[str, Outcome]
"""By case."""


def measure_requests(engines: Engines, effort: Effort, step: Callable[[str], None]) -> list[RequestsRound]:
    """Raises `JobFailed` when a single request was not answered 2xx. `step` is called with what comes next."""
    phase = engines.phase("otlp")
    made: list[RequestsRound] = [{} for _ in range(effort.rounds)]
    with Gateway(phase.log("gateway"), None, phase.environment) as gateway:
        for number, outcomes in enumerate(made):
            for name in CASES:
                step(f"gateway, {name}, round {number + 1}")
                outcomes[name] = drive(
                    Job(
                        port=gateway.port or 0,
                        pid=gateway.pid or 0,
                        requests=_requests(gateway.port or 0, engines.demo.ingest_key, name),
                        connections=effort.connections,
                        warm_up_s=effort.warm_up_s,
                        seconds=effort.seconds,
                    )
                )
    return made


def _requests(port: int, key: str, name: str) -> list[bytes]:
    case = CASES[name]
    headers = {"X-API-Key": key, "Content-Type": case.media_type}
    return [request(case.path, port, headers, case.body(array)) for array in arrays(RECORDS, DIFFERENT, time())]
