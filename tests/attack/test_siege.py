"""Fifteen seconds of attacks of all kinds: nobody else notices. `make soak` attacks for longer."""

import asyncio
import os
import random

from tests.attack.siege import siege
from tests.integration.gateway.conftest import StartGateway

SECONDS = float(os.environ.get("SLUICE_ATTACK_SECONDS", "15"))
A_SECOND = 20.0
ROUNDS = 3
"""At most: what holds a gateway does so in all of them, another load of the machine only in some."""

MOST_BYTES = 350_000_000


def test_a_gateway_under_attack_answers_everybody_else(start_gateway: StartGateway) -> None:
    seed = int(os.environ.get("SLUICE_ATTACK_SEED", "0")) or random.randrange(1, 10**6)
    print(f"seed {seed}: SLUICE_ATTACK_SEED={seed} replays the attacks")  # noqa: T201 - shown when the test fails
    gateway = start_gateway(ingest_limit=0)
    reports = []
    for n in range(ROUNDS):
        whom = (gateway.port, gateway.keys.ingest, gateway.process.pid)
        reports.append(asyncio.run(siege(*whom, seconds=SECONDS, a_second=A_SECOND, seed=seed + n)))
        print(reports[-1], reports[-1].answered, sep="\n")  # noqa: T201 - shown when the test fails
        assert reports[-1].refused == []
        assert reports[-1].successes == []
        assert reports[-1].peak_bytes < MOST_BYTES, reports[-1]
        if reports[-1].is_quick:
            break
    assert any(report.is_quick for report in reports), reports
    assert gateway.process.poll() is None, gateway.log
    assert "unexpected error" not in gateway.log
