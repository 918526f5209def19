"""Fifteen seconds of attacks of all kinds: nobody else notices. `make soak` attacks for longer."""

import asyncio
import os
import random

from tests.attack.siege import siege
from tests.integration.gateway.conftest import StartGateway

SECONDS = float(os.environ.get("SLUICE_ATTACK_SECONDS", "15"))
A_SECOND = 20.0
DELAY_S = 0.2
MOST_BYTES = 350_000_000


def test_a_gateway_under_attack_answers_everybody_else(start_gateway: StartGateway) -> None:
    seed = int(os.environ.get("SLUICE_ATTACK_SEED", "0")) or random.randrange(1, 10**6)
    print(f"seed {seed}: SLUICE_ATTACK_SEED={seed} replays the attacks")  # noqa: T201 - shown when the test fails
    gateway = start_gateway(ingest_limit=0)
    report = asyncio.run(
        siege(gateway.port, gateway.keys.ingest, gateway.process.pid, seconds=SECONDS, a_second=A_SECOND, seed=seed)
    )
    print(report, report.answered, sep="\n")  # noqa: T201 - shown when the test fails
    assert report.refused == []
    assert report.successes == []
    assert report.delay_s < DELAY_S, report
    assert report.peak_bytes < MOST_BYTES, report
    assert gateway.process.poll() is None, gateway.log
    assert "unexpected error" not in gateway.log
