"""What is told about delivery (reading.md, "Delivery"): on both queues with a real writer, and by a process alone."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.query import Reader
from gateway.query.complete import Completeness
from gateway.query.observing import observation
from gateway.query.observing.delivery import Delivery
from gateway.query.times import parse_time
from shared.clock import clock
from shared.envelope import seal, unseal
from shared.letters import raw_bytes
from tests.integration.gateway.query.read_api import client
from tests.integration.gateways import bearer, gateways
from tests.integration.writer.ops.commands import operator_on
from tests.integration.writer.records import logs, stamp, strict
from tests.integration.writer.stage import Stage
from writer.dead_letters import DeadLetters, closed
from writer.ops.lag.observer import Observer
from writer.ops.ranges import Wanted

NO_CLICKHOUSE = "clickhouse://nobody@127.0.0.1:1/none"
BAD = seal(stamp(2, project_id="p"), b'[{"level":"info","message":"alone"}]')


@pytest.fixture(params=["sqlite", "kafka"])
def queue_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "kafka":
        return str(request.getfixturevalue("kafka_url"))
    return f"sqlite:///{tmp_path}/queue.db"


@pytest.fixture
async def stage(
    queue_url: str, clickhouse_database_url: str, topic_prefix: str, tmp_path: Path
) -> AsyncIterator[Stage]:
    async with Stage(queue_url, clickhouse_database_url, topic_prefix, 6.0, tmp_path) as made:
        await made.make("logs", "errors")
        yield made


class Asking:
    """Asks a process that knows only the queue."""

    def __init__(self, stage: Stage) -> None:
        self._delivery = Delivery.of(stage.queue, stage.groups, stage.registry, clock(0))
        self._logs = Completeness(stage.queue, stage.groups, [stage.lane().topic], clock(0))
        self._reader = Reader(NO_CLICKHOUSE)

    async def __call__(self, key: str = "reader", project: str = "p") -> httpx.Response:
        async with client(self._reader, key, delivery=self._delivery, complete=self._complete) as api:
            return await api.get(f"/api/v1/projects/{project}/delivery")

    async def found(self, key: str = "reader", project: str = "p") -> Any:
        answer = await self(key, project)
        assert answer.status_code == 200, answer.text
        assert answer.json()["dead_letters"]["all"], answer.text
        return answer.json()

    async def close(self) -> None:
        await self._delivery.close()
        await self._logs.close()
        await self._reader.close()

    async def _complete(self, table: str) -> Any:
        return await self._logs.now()


@pytest.fixture
async def asking(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asking]:
    monkeypatch.setattr(observation, "EVERY_S", 0.0)
    monkeypatch.setattr("gateway.query.observing.lanes.WAIT_S", 30.0)
    monkeypatch.setattr("gateway.query.observing.letters.WAIT_S", 30.0)
    monkeypatch.setattr(observation, "WITHIN_S", 30.0)
    made = Asking(stage)
    yield made
    await made.close()


async def test_every_number_is_that_of_the_operators_commands(stage: Stage, asking: Asking) -> None:
    odd = [logs("fine", "odd", project_id="p"), logs("odd", "odd", project_id="q"), BAD, b"no envelope"]
    await stage.publish(*odd)
    async with stage.writer(registry=strict(stage.registry)):
        await stage.until_committed(4)
    await stage.publish(logs("x", project_id="p"), logs("y", project_id="p"))

    told = await asking.found()
    observer = Observer(operator_on(stage), Wanted(signals=("logs", "errors")))
    shown = ("signal", "topic", "partition", "committed", "end", "lag_messages", "lost")
    assert [tuple(lane[name] for name in shown) for lane in told["lanes"]] == sorted(
        (each.signal.name, *each.lane, each.state.committed, each.state.end, each.lag.messages, 0)
        for each in await observer.observe()
    )
    idle, behind = told["lanes"]
    assert (idle["lag_seconds"], idle["complete_up_to"]) == (0, told["observed_at"])
    assert (behind["committed"], behind["end"], behind["lag_messages"]) == (4, 6, 2)
    since = parse_time(told["observed_at"]) - parse_time(behind["complete_up_to"])
    assert behind["lag_seconds"] == pytest.approx(since / 1_000_000)
    assert told["complete_up_to"] == min(table["complete_up_to"] for table in told["tables"])
    assert {"table": "logs", "signals": ["logs"]}.items() <= told["tables"][2].items()

    assert (
        told["dead_letters"]["open"]
        == [
            {"signal": "logs", "reason": "unconvertible", "count": 1},
            {"signal": "logs", "reason": "undecodable", "count": 1},
        ]
        == await by_hand(stage, "p")
    )
    theirs = (await asking.found("stranger", "q"))["dead_letters"]["open"]
    assert theirs == [{"signal": "logs", "reason": "unconvertible", "count": 2}] == await by_hand(stage, "q")

    mine = [each for each in await stage.letters() if each.offset in (0, 2)]
    await DeadLetters(stage.producer).publish(
        stage.registry.signals["logs"].dead_letter_topic, [closed(each, "purged", 1) for each in mine], 1
    )
    assert (await asking.found())["dead_letters"]["open"] == []
    assert (await asking.found("stranger", "q"))["dead_letters"]["open"] == theirs


async def by_hand(stage: Stage, project_id: str) -> list[dict[str, Any]]:
    """The same count, of all letters that there are."""
    mine: Counter[str] = Counter()
    for each in await stage.letters():
        raw = raw_bytes(each)
        if raw != b"no envelope" and unseal(raw)[0].project_id == project_id:
            mine[each.reason] += 1
    return [{"signal": "logs", "reason": reason, "count": count} for reason, count in sorted(mine.items())]


async def test_who_may_ask(stage: Stage, asking: Asking) -> None:
    assert (await asking("")).status_code == 401
    assert (await asking("sender")).status_code == 403
    assert (await asking("reader", "q")).status_code == 404


async def test_a_process_that_only_reads_tells_it(tmp_path: Path, postgres_database: str, redis_url: str) -> None:
    roles = {"SLUICE_GATEWAY_ROLES": "query"}
    async with gateways(tmp_path, postgres_database, redis_url, **roles) as running, httpx.AsyncClient() as http:
        key = await running.key("--scope", "read")
        url = f"{running.url}/api/v1/projects/{key['project_id']}/delivery"

        async def ask() -> dict[str, Any]:
            answer = await http.get(url, headers=bearer(key["key"]))
            assert answer.status_code == 200, answer.text
            return dict(answer.json())

        told = await ask()
        while told["reason"] == "the queue has not answered yet":
            await asyncio.sleep(0.05)
            told = await ask()
        assert {lane["signal"] for lane in told["lanes"]} >= {"logs", "errors", "traces", "llm"}
        assert (told["reason"], told["dead_letters"]["open"], told["dead_letters"]["all"]) == (None, [], True)
        assert (await http.get(f"{url}?x=1", headers=bearer(key["key"]))).status_code == 422
