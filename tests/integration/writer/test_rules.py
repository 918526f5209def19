"""The writer stores the groups of the rules that stamps name, and waits where it can't have them."""

from typing import Any

import pytest

from shared.metrics import Metrics
from tests.faults.proxy import Proxy
from tests.integration.writer.grouped import error, prepare, revision_restored, rule, rules_set
from tests.integration.writer.stage import Running, Stage
from tests.integration.writer.writer_process import until

TIMEOUTS = rule("*timed out*", "timeouts")
GROUPS = "SELECT fingerprint_parts FROM errors ORDER BY _offset"


@pytest.fixture
async def postgres(postgres_database: str) -> str:
    return await prepare(postgres_database)


def why(running: Running) -> Any:
    """What the lanes of errors wait for, and why."""
    return [state["waiting"]["rules"]["reason"] for state in running.loop.states() if "rules" in state["waiting"]]


def retries(metrics: Metrics) -> float:
    labels = {"what": "rules", "reason": "RulesUnavailable"}
    return metrics.registry.get_sample_value("sluice_retries_total", labels) or 0.0


async def test_each_row_has_the_rules_that_its_stamp_names(stage: Stage, postgres: str) -> None:
    stage.postgres_url = postgres
    first = rules_set(postgres, TIMEOUTS)
    second = rules_set(postgres, rule("*timed out*", "slow"))
    await stage.make("errors")
    await stage.publish(
        *(error(f"e{n}", "timed out", revision) for n, revision in enumerate((0, first, second, first))),
        signal="errors",
    )
    async with stage.writer("errors"):
        await stage.until_committed(4, "errors")
    parts = [text for (text,) in stage.query(GROUPS)]
    assert parts[0].startswith('["v2"')
    assert parts[1:] == [
        f'["group","timeouts","rule \'rule of timeouts\' of revision {first}"]',
        f'["group","slow","rule \'rule of slow\' of revision {second}"]',
        f'["group","timeouts","rule \'rule of timeouts\' of revision {first}"]',
    ]


async def test_a_lane_waits_for_postgres_with_a_reason_and_goes_on_by_itself(stage: Stage, postgres: str) -> None:
    known, unknown = rules_set(postgres, TIMEOUTS), rules_set(postgres, rule("*timed out*", "slow"))
    await stage.make("errors", "logs")
    async with Proxy(postgres) as proxy:
        stage.postgres_url = proxy.url
        async with stage.writer("errors", "logs") as running:
            await stage.publish(error("e0", "timed out", known), signal="errors")
            await stage.until_committed(1, "errors")
            proxy.down = True
            proxy.cut()
            # Without rules, and with known ones, nobody asks Postgres.
            await stage.publish(error("e1", "timed out", known), error("e2", "else"), signal="errors")
            await stage.until_committed(3, "errors")
            await stage.publish(error("e3", "timed out", unknown), signal="errors")
            await until(lambda: retries(running.metrics) > 2)
            assert f"Postgres can't be asked for revision {unknown} of project p1" in why(running)[0]
            assert (stage.count("errors"), await stage.letters("errors")) == (3, [])
            proxy.down = False
            await stage.until_committed(4, "errors")
            assert why(running) == []
    assert '"slow"' in stage.query(GROUPS)[3][0]


async def test_a_lane_waits_for_a_revision_that_postgres_has_lost(stage: Stage, postgres: str) -> None:
    stage.postgres_url = postgres
    await stage.make("errors")
    await stage.publish(error("e0", "timed out", 20260101000000), signal="errors")
    async with stage.writer("errors") as running:
        await until(lambda: retries(running.metrics) > 2)
        assert "put the rules back with `sluice grouping rules set FILE --project p1 --revision" in why(running)[0]
    assert (stage.count("errors"), await stage.letters("errors")) == (0, []), "a stop leaves it in the queue"
    async with stage.writer("errors") as running:
        await until(lambda: retries(running.metrics) > 0)
        revision_restored(postgres, 20260101000000, TIMEOUTS)
        await stage.until_committed(1, "errors")
    assert stage.query(GROUPS) == [('["group","timeouts","rule \'rule of timeouts\' of revision 20260101000000"]',)]


async def test_a_writer_process_asks_the_postgres_of_its_settings(stage: Stage, postgres: str) -> None:
    await stage.make("errors")
    await stage.publish(error("e0", "timed out", rules_set(postgres, TIMEOUTS)), signal="errors")
    with stage.spawn("errors", POSTGRES_URL=postgres):
        await stage.until_committed(1, "errors")
    assert '"timeouts"' in stage.query(GROUPS)[0][0]
