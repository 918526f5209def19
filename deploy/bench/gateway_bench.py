"""The gateway against a bare Starlette, in turn: requests of 100 logs and of one."""

from collections.abc import Callable

import msgspec

from deploy.bench.bare import BareServer
from deploy.bench.effort import Effort
from deploy.bench.engines import Engines
from deploy.bench.load import Job, Outcome, drive
from deploy.bench.process import peak_bytes
from deploy.local.child import Child
from deploy.local.sluice_processes import Gateway

LOGS_A_REQUEST = (100, 1)


class GatewayRound(msgspec.Struct, frozen=True):
    """The two sides, one after the other."""

    gateway: Outcome
    bare: Outcome


class GatewayRun(msgspec.Struct, frozen=True):
    """Logs a request -> its rounds; and the gateway's peak memory after all of them, bytes."""

    rounds: dict[int, list[GatewayRound]]
    peak_bytes: int


def measure_gateway(engines: Engines, effort: Effort, step: Callable[[str], None]) -> GatewayRun:
    """Raises `JobFailed` when a single request was not answered 2xx. `step` is called with what comes next."""
    phase = engines.phase("gateway")
    rounds: dict[int, list[GatewayRound]] = {logs: [] for logs in LOGS_A_REQUEST}
    with Gateway(phase.log("gateway"), None, phase.environment) as gateway, BareServer(phase.log("bare")) as bare:
        for logs in LOGS_A_REQUEST:
            for number in range(effort.rounds):
                pair = []
                for child in (gateway, bare):
                    step(f"{child.role}, {logs} log{'s' * (logs > 1)} a request, round {number + 1}")
                    pair.append(drive(_job(child, engines, effort, logs)))
                rounds[logs].append(GatewayRound(*pair))
        return GatewayRun(rounds, peak_bytes(gateway.pid or 0))


def _job(child: Child, engines: Engines, effort: Effort, logs: int) -> Job:
    return Job(
        port=child.port or 0,
        pid=child.pid or 0,
        key=engines.demo.ingest_key,
        logs=logs,
        connections=effort.connections,
        warm_up_s=effort.warm_up_s,
        seconds=effort.seconds,
    )
