"""`GET /logs/tail` of a gateway beside a writer: its connections, their limits, clients that are slow or leave
(reading.md, "Tail")."""

import asyncio
import http.client
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.event_stream import Event, read_events
from tests.integration.gateway.gateway_process import LOGS, PROJECT, GatewayProcess, Keys
from tests.integration.gateway.query.read_api import temporary_store
from tests.integration.stack import wait_until
from tests.integration.writer.stage import Stage

PATH = f"/api/v1/projects/{PROJECT}/logs/tail"
WITHIN_S = 60.0


@pytest.fixture(scope="module")
def gateway(
    keys_url: str, keys: Keys, redis_url: str, clickhouse_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    with temporary_store(clickhouse_url) as store:
        services = {
            "SLUICE_POSTGRES_URL": keys_url,
            "SLUICE_REDIS_URL": redis_url,
            "SLUICE_CLICKHOUSE_URL": store.url,
            "SLUICE_WRITER_GROUP": "writers",
        }
        running = GatewayProcess(tmp_path_factory.mktemp("tail"), keys, services, read_limit=1_000_000)
        yield running
        running.stop()


@pytest.fixture
async def stored(gateway: GatewayProcess) -> AsyncIterator[Stage]:
    """A writer that stores what the gateway takes."""
    url = _environment(gateway, "SLUICE_CLICKHOUSE_URL")
    async with Stage(f"sqlite:///{gateway.file}", url, "", 5.0, gateway.file.parent) as stage, stage.writer():
        yield stage


def _environment(gateway: GatewayProcess, name: str) -> str:
    with open(f"/proc/{gateway.process.pid}/environ") as variables:
        return dict(each.split("=", 1) for each in variables.read().split("\0") if each)[name]


class Stream:
    """The events of an open tail."""

    def __init__(self, response: httpx.Response) -> None:
        self._pieces = response.aiter_bytes()
        self._came = b""
        self.events: list[Event] = []

    async def until(self, name: str) -> Event:
        """The next event of this name; the others before it are passed over."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                while self.events:
                    if (event := self.events.pop(0)).name == name:
                        return event
                self._came += await anext(self._pieces)
                whole, _, self._came = self._came.rpartition(b"\n\n")
                self.events += read_events(whole + b"\n\n") if whole else []

    async def messages(self, n: int) -> list[str]:
        """Of the next logs; nothing may be left out."""
        found: list[str] = []
        while len(found) < n:
            event = await self.until("logs")
            assert event.json["left_out"] is None
            found += [log["message"] for log in event.json["logs"]]
        return found


def headers(gateway: GatewayProcess, key: str = "", **more: str) -> dict[str, str]:
    return {"X-API-Key": key or gateway.keys.read} | {name.replace("_", "-"): value for name, value in more.items()}


@asynccontextmanager
async def tail(gateway: GatewayProcess, given: dict[str, str] | None = None, **params: Any) -> AsyncIterator[Stream]:
    url = f"http://127.0.0.1:{gateway.port}"
    async with (
        httpx.AsyncClient(base_url=url, timeout=WITHIN_S) as client,
        client.stream("GET", PATH, params=params, headers=given or headers(gateway)) as response,
    ):
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


async def post(gateway: GatewayProcess, *messages: str) -> None:
    body = {"logs": [{"level": "info", "message": message} for message in messages]}
    answer = await asyncio.to_thread(gateway.post, LOGS, body)
    assert answer.status == 200, answer.body


def open_tails(gateway: GatewayProcess) -> int:
    lines = gateway.request("GET", "/metrics").body.decode().splitlines()
    return int(float(next(line for line in lines if line.startswith("sluice_tails ")).split()[1]))


async def until_open(gateway: GatewayProcess, n: int) -> None:
    await asyncio.to_thread(wait_until, lambda: open_tails(gateway) == n, WITHIN_S, f"{n} open tails", every_s=0.02)


async def test_it_goes_on_behind_the_event_whose_id_is_given_and_behind_a_page(
    gateway: GatewayProcess, stored: Stage
) -> None:
    async with tail(gateway, q="-level:debug") as stream:
        first = await stream.until("progress")
        assert first.retry
        began = time.monotonic()
        await post(gateway, "a", "b")
        event = await stream.until("logs")
        print(f"shown {time.monotonic() - began:.1f} s after it was sent")  # noqa: T201 - for `pytest -s`
    assert [log["message"] for log in event.json["logs"]] == ["a", "b"]
    assert event.json["logs"][0]["late"] is False
    await post(gateway, "c")
    again = headers(gateway, Last_Event_ID=event.id or "")
    async with tail(gateway, again, last_event_id=first.id) as stream:
        assert await stream.messages(1) == ["c"], "the header counts before the parameter"
    page = await asyncio.to_thread(gateway.request, "GET", PATH.removesuffix("/tail"), None, headers(gateway))
    shown = {log["message"] for log in page.json["logs"]}
    await post(gateway, "d")
    async with tail(gateway, last_event_id=page.headers["x-as-of"]) as stream:
        wanted = ["c", "d"] if "c" not in shown else ["d"]
        assert await stream.messages(len(wanted)) == wanted


async def test_it_ends_in_time_and_says_so(gateway: GatewayProcess, stored: Stage) -> None:
    async with tail(gateway, seconds=0) as stream:
        progress, end = await stream.until("progress"), await stream.until("end")
        assert end.json == {"reason": "the time is over"}
        assert end.id == progress.id
        with pytest.raises(StopAsyncIteration):
            await stream.until("nothing")
    await until_open(gateway, 0)


async def test_a_key_has_five_and_one_that_hangs_up_leaves_its_place_at_once(gateway: GatewayProcess) -> None:
    async with AsyncExitStack() as five:
        for _ in range(4):
            await five.enter_async_context(tail(gateway))
        async with tail(gateway):
            refused = await asyncio.to_thread(gateway.request, "GET", PATH, None, headers(gateway))
            assert refused.status == 429
            assert refused.json == {"detail": "This key has 5 open tails: close one first"}
            assert refused.headers["retry-after"] == "5"
            assert (await asyncio.to_thread(gateway.request, "HEAD", PATH, None, headers(gateway))).status == 429
            other = headers(gateway, gateway.keys.browser, Origin="https://app.example.com")
            async with tail(gateway, other):
                await until_open(gateway, 6)
        await until_open(gateway, 4)
        async with tail(gateway):
            pass
    await until_open(gateway, 0)
    assert (await asyncio.to_thread(gateway.request, "HEAD", PATH, None, headers(gateway))).status == 200
    await until_open(gateway, 0)


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ("last_event_id=nonsense", 422, "last_event_id"),
        ("seconds=1801", 422, "seconds"),
        ("start_time=2026-01-01", 422, "start_time"),
        ("limit=5", 422, "limit"),
    ],
)
def test_bad_parameters_are_named(gateway: GatewayProcess, query: str, status: int, told: str) -> None:
    answer = gateway.request("GET", f"{PATH}?{query}", headers=headers(gateway))
    assert (answer.status, [issue["loc"][-1] for issue in answer.json["detail"]]) == (status, [told])


def test_strangers_have_no_tail(gateway: GatewayProcess) -> None:
    def status(path: str, key: str) -> int:
        return gateway.request("GET", path, headers={"X-API-Key": key}).status

    assert status(PATH, "none") == 401
    assert status(PATH, gateway.keys.ingest) == 403
    assert status(PATH.replace(f"/{PROJECT}/", "/another/"), gateway.keys.read) == 404


async def test_a_client_that_does_not_read_costs_the_others_nothing_and_is_told_all(
    gateway: GatewayProcess, stored: Stage
) -> None:
    turns, of_turn = 4, 30
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(tail(gateway))
        await other.until("progress")
        slow = stack.enter_context(slow_client(gateway))
        await until_open(gateway, 2)
        for turn in range(turns):
            await post(gateway, *(f"{turn} {n} {'x' * 8_000}" for n in range(of_turn)))
            assert len(await other.messages(of_turn)) == of_turn
        assert await asyncio.to_thread(told_until, slow, turns * of_turn) == turns * of_turn


def slow_client(gateway: GatewayProcess) -> socket.socket:
    """A client that has little room for what comes, and has read nothing yet."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.settimeout(WITHIN_S)
    client.connect(("127.0.0.1", gateway.port))
    client.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nX-API-Key: {gateway.keys.read}\r\n\r\n".encode())
    return client


def told_until(client: socket.socket, enough: int) -> int:
    """How many logs come, or are counted as left out, until they are enough."""
    response = http.client.HTTPResponse(client)
    response.begin()
    told, came = 0, b""
    while told < enough:
        came += response.read1()
        whole, _, came = came.rpartition(b"\n\n")
        for event in read_events(whole + b"\n\n"):
            if event.name == "logs":
                told += len(event.json["logs"]) + (event.json["left_out"] or {"count": 0})["count"]
    return told
