"""Requests to the gateways of all sides, in turn."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from deploy.bench.effort import Effort
from deploy.bench.load import Job, Outcome, drive
from deploy.bench.peer.entries import DATA
from deploy.bench.peer.sides import LOGS_A_MESSAGE, Side
from deploy.local.child import Child

DIFFERENT_REQUESTS = 64


class Case(NamedTuple):
    """What is sent: `logs` in each request, of the data of this name."""

    logs: int
    data: str

    def __str__(self) -> str:
        return f"{self.logs} log{'s' * (self.logs > 1)}, {self.data}"


CASES = tuple(Case(logs, data) for logs in (LOGS_A_MESSAGE, 1) for data in DATA)

Gateways = dict[str, dict[str, list[Outcome]]]
"""Case -> name of the side -> its rounds."""


def measure_gateways(sides: Sequence[Side], effort: Effort, step: Callable[[str], None]) -> Gateways:
    """Raises `JobFailed` when a single request was not answered 2xx. `step` is called with what comes next."""
    with ExitStack() as stack:
        step("the gateways start")
        running = [(side, stack.enter_context(side.gateway())) for side in sides]
        return {str(case): _rounds(running, case, effort, step) for case in CASES}


def steps(sides: int, rounds: int) -> int:
    """How often `measure_gateways` calls `step`."""
    return 1 + len(CASES) * rounds * sides


def _rounds(
    running: Sequence[tuple[Side, Child]], case: Case, effort: Effort, step: Callable[[str], None]
) -> dict[str, list[Outcome]]:
    rounds: dict[str, list[Outcome]] = {side.name: [] for side, _ in running}
    lists = DATA[case.data](case.logs, DIFFERENT_REQUESTS)
    for number in range(effort.rounds):
        for side, gateway in running:
            step(f"{side.name}'s gateway, {case}, round {number + 1}")
            job = Job(
                port=gateway.port or 0,
                pid=gateway.pid or 0,
                requests=[side.request(gateway.port or 0, entries) for entries in lists],
                connections=effort.connections,
                warm_up_s=effort.warm_up_s,
                seconds=effort.seconds,
            )
            rounds[side.name].append(drive(job))
    return rounds
