"""The gateway against a bare Starlette, in turn: requests of 100 logs, of one and of one error, each different and each
the same."""

from collections.abc import Callable
from time import time
from typing import Literal, NamedTuple

import msgspec

from deploy.bench import errors, logs
from deploy.bench.bare import BareServer
from deploy.bench.effort import Effort
from deploy.bench.engines import Engines
from deploy.bench.load import Job, Outcome, drive, request
from deploy.bench.process import peak_bytes
from deploy.local.child import Child
from deploy.local.sluice_processes import Gateway
from shared.fingerprint.v2 import MOST_KNOWN


class Case(NamedTuple):
    """What is sent: so many records in each request, and so many different requests, in turn."""

    records: int
    different: int
    kind: Literal["log", "error"] = "log"

    def __str__(self) -> str:
        how = "same" if self.different == 1 else "varied" if self.different < MOST_KNOWN else "new"
        return f"{self.records} {self.kind}{'s' * (self.records > 1)}, {how}"


VARIED = Case(100, 64)
"""As clients send."""
CASES = (
    VARIED,
    Case(100, 1),
    Case(1, 64),
    Case(1, 1),
    Case(1, 64, "error"),
    Case(1, 1, "error"),
    Case(1, 8 * MOST_KNOWN, "error"),
)
"""One request again and again is what load generators such as wrk send: the gateway compresses it for next to nothing
(performance.md, "Varied and same"). Errors that are all new are remembered by nobody
(performance.md, "Errors come again")."""

_SENT = {"log": ("/ingest/logs", logs.bodies), "error": ("/ingest/errors", errors.bodies)}


class GatewayRound(msgspec.Struct, frozen=True):
    """The two sides, one after the other."""

    gateway: Outcome
    bare: Outcome


class GatewayRun(msgspec.Struct, frozen=True):
    """Case -> its rounds; and the gateway's peak memory after all of them, bytes."""

    rounds: dict[str, list[GatewayRound]]
    peak_bytes: int


def measure_gateway(engines: Engines, effort: Effort, step: Callable[[str], None]) -> GatewayRun:
    """Raises `JobFailed` when a single request was not answered 2xx. `step` is called with what comes next."""
    phase = engines.phase("gateway")
    rounds: dict[str, list[GatewayRound]] = {str(case): [] for case in CASES}
    with Gateway(phase.log("gateway"), None, phase.environment) as gateway, BareServer(phase.log("bare")) as bare:
        for case in CASES:
            for number in range(effort.rounds):
                pair = []
                for child in (gateway, bare):
                    step(f"{child.role}, {case}, round {number + 1}")
                    pair.append(drive(_job(child, engines, effort, case)))
                rounds[str(case)].append(GatewayRound(*pair))
        return GatewayRun(rounds, peak_bytes(gateway.pid or 0))


def _job(child: Child, engines: Engines, effort: Effort, case: Case) -> Job:
    return Job(
        port=child.port or 0,
        pid=child.pid or 0,
        requests=requests(child.port or 0, engines.demo.ingest_key, case),
        connections=effort.connections,
        warm_up_s=effort.warm_up_s,
        seconds=effort.seconds,
    )


def requests(port: int, key: str, case: Case) -> list[bytes]:
    """The HTTP requests of a case."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    path, bodies = _SENT[case.kind]
    return [request(path, port, headers, body) for body in bodies(case.records, case.different, time())]
