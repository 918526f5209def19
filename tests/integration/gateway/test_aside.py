"""Bodies that a process aside checks, against a gateway process and by itself."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.rejections import Answered, TooLarge, Unavailable
from gateway.turns import Turns
from gateway.validation.aside import Aside
from tests.attack.siege import children_of
from tests.fuzz.in_process import KNOWN, PROJECT, InProcess
from tests.fuzz.requests import Request
from tests.integration.gateway.conftest import StartGateway
from tests.integration.gateway.gateway_process import BATCH, LOGS, GatewayProcess
from tests.integration.stack import wait_until
from tests.validating import REGISTRY

LOG = {"level": "info", "message": "m"}
LARGE = json.dumps({"service": "large", "logs": [LOG | {"message": "x" * 400}] * 1_000}).encode()


@pytest.fixture
async def aside() -> AsyncIterator[Aside]:
    made = Aside(REGISTRY, None, waiting_bytes=30_000_000, within_s=60.0)
    yield made
    await made.close()


def test_a_large_batch_is_taken_like_a_small_one(gateway: GatewayProcess) -> None:
    answer = gateway.post(LOGS, LARGE)
    assert (answer.status, answer.json) == (200, {"ok": True, "count": 1_000})
    stamp, records = gateway.stored()[-1]
    assert (stamp.service, stamp.n, records) == ("large", 1_000, json.loads(LARGE)["logs"])


def test_bad_entries_of_a_large_batch_are_dropped_and_named(gateway: GatewayProcess) -> None:
    logs = [LOG | {"message": "y" * 5_000}] * 99
    answer = gateway.post(BATCH, {"release": "1", "logs": [*logs[:7], LOG | {"level": "loud"}, *logs[8:]]})
    assert (answer.status, answer.json) == (202, {"accepted": 98, "dropped": 1})
    assert answer.headers["x-dropped"] == "7:invalid_level"


def test_a_key_in_a_large_body_counts(gateway: GatewayProcess) -> None:
    body = json.loads(LARGE)
    for key, status in ((gateway.keys.ingest, 200), ("nobody's", 401)):
        sent = json.dumps(body | {"api_key": key}).encode()
        assert gateway.request("POST", LOGS, sent).status == status
    _, records = gateway.stored()[-1]
    assert "api_key" not in json.dumps(records)


def test_a_large_bad_body_gets_its_apis_answer(gateway: GatewayProcess) -> None:
    wrong = {"logs": [LOG | {"message": 5}] * 1_000, "padding": "p" * 300_000}
    answer = gateway.post(LOGS, wrong)
    assert answer.status == 400
    assert len(answer.json["error"]["issues"]) == 1_000
    assert gateway.post(LOGS, b"{" + b" " * 300_000).json == {"error": "Malformed JSON in request body"}
    answer = gateway.post(BATCH, b"{" + b" " * 300_000)
    assert (answer.status, answer.json["detail"][0]["type"]) == (422, "json_invalid")


def test_a_gateway_that_is_killed_leaves_nothing_behind(start_gateway: StartGateway) -> None:
    gateway = start_gateway()
    assert gateway.post(LOGS, LARGE).status == 200
    children = children_of(gateway.process.pid)
    assert children
    gateway.process.kill()
    gateway.process.wait()

    def gone() -> bool:
        return not any(Path(f"/proc/{child}/cmdline").exists() and _lives(child) for child in children)

    wait_until(gone, 60, "the end of the process aside")


def _lives(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_a_process_aside_that_is_killed_costs_one_body_at_most(start_gateway: StartGateway) -> None:
    gateway = start_gateway()
    assert gateway.post(LOGS, LARGE).status == 200
    for child in children_of(gateway.process.pid):
        os.kill(child, signal.SIGKILL)
    statuses = [gateway.post(LOGS, LARGE).status for _ in range(3)]
    assert statuses[1:] == [200, 200]
    assert statuses[0] in (200, 413)


async def test_what_takes_too_long_is_too_large_and_the_next_one_is_checked(aside: Aside) -> None:
    hasty = Aside(REGISTRY, None, waiting_bytes=30_000_000, within_s=0.01)
    with pytest.raises(TooLarge):
        await hasty.parts("p", "/ingest/logs", LARGE, b"")
    await hasty.close()
    (part,) = await aside.parts("p", "/ingest/logs", LARGE, b"")
    assert part.n == 1_000


async def test_more_than_may_wait_is_503_at_once(aside: Aside) -> None:
    body = json.dumps({"logs": [LOG], "padding": "p" * 11_000_000}).encode()
    begun = [asyncio.create_task(aside.parts("p", "/ingest/logs", body, b"")) for _ in range(3)]  # one has its turn
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await aside.parts("p", "/ingest/logs", body, b"")
    for parts in await asyncio.gather(*begun):
        assert parts[0].n == 1
    assert (await aside.parts("p", "/ingest/logs", body, b""))[0].n == 1


async def test_a_projects_flood_and_that_of_strangers_let_another_projects_body_pass(aside: Aside) -> None:
    flood = [asyncio.create_task(aside.parts("flood", "/ingest/logs", LARGE, b"")) for _ in range(30)]
    strangers = [asyncio.create_task(aside.key_in("/ingest/logs", LARGE, b"")) for _ in range(20)]
    await asyncio.sleep(0)
    (part,) = await aside.parts("other", "/ingest/logs", LARGE, b"")
    assert part.n == 1_000
    assert sum(task.done() for task in (*flood, *strangers)) <= 4, "the one that was checked, and a turn of each"
    await asyncio.gather(*flood, *strangers)


async def test_a_project_that_fills_the_line_gives_way_to_another(aside: Aside) -> None:
    body = json.dumps({"logs": [LOG], "padding": "p" * 7_000_000}).encode()
    flood = [asyncio.create_task(aside.parts("flood", "/ingest/logs", body, b"")) for _ in range(5)]
    await asyncio.sleep(0)
    (part,) = await aside.parts("other", "/ingest/logs", body, b"")
    assert part.n == 1
    done = await asyncio.gather(*flood, return_exceptions=True)
    assert [isinstance(each, Unavailable) for each in done] == [False, False, False, False, True]


def test_a_body_waits_as_its_keys_project_and_as_nobodys_until_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    take = Turns.take

    async def recording(turns: Turns, project_id: str, size: int = 1) -> None:
        taken.append(project_id)
        await take(turns, project_id, size)

    monkeypatch.setattr(Turns, "take", recording)
    in_header = Request(LOGS, "POST", LOGS.encode(), [(b"X-API-Key", KNOWN.ingest.encode())], LARGE)
    in_body = Request(LOGS, "POST", LOGS.encode(), [], b'{"api_key":"%b",%b' % (KNOWN.ingest.encode(), LARGE[1:]))
    gateway = InProcess()
    try:
        assert [gateway.ask(request).status for request in (in_header, in_body)] == [200, 200]
    finally:
        gateway.close()
    assert taken == [PROJECT, "", PROJECT]


async def test_a_caller_that_goes_away_leaves_no_answer_for_the_next(aside: Aside) -> None:
    other = json.dumps({"service": "other", "logs": [LOG]}).encode()
    for _ in range(5):
        task = asyncio.create_task(aside.parts("p", "/ingest/logs", LARGE, b""))
        await asyncio.sleep(0.02)
        task.cancel()
        (part,) = await aside.parts("p", "/ingest/logs", other, b"")
        assert (part.service, part.n) == ("other", 1)
        await asyncio.gather(task, return_exceptions=True)


async def test_memory_beyond_the_childs_is_too_large(aside: Aside) -> None:
    values = b'{"logs":[' + b",".join([b'{"a":[]}'] * 2_400_000) + b"]}"
    with pytest.raises((TooLarge, Answered)) as refused:
        await aside.parts("p", "/ingest/logs", values, b"")
    assert refused.value.reason == "too_large"
    assert (await aside.parts("p", "/ingest/logs", LARGE, b""))[0].n == 1_000


async def test_the_event_loop_turns_while_a_body_is_checked(aside: Aside) -> None:
    """By the processor's time of this thread between two turns."""
    await aside.parts("p", "/ingest/logs", LARGE, b"")
    longest, before = 0.0, time.thread_time()
    task = asyncio.create_task(aside.key_in("/ingest/logs", b'{"a":"' + b"\\ud800" * 3_000_000, b""))
    while not task.done():
        await asyncio.sleep(0.001)
        now = time.thread_time()
        longest, before = max(longest, now - before), now
    with suppress(Answered):
        await task
    assert longest < 0.05, f"{longest * 1000:.0f} ms"
