"""All logs that a query finds, as one file (reading.md, "Export")."""

import asyncio
import csv
import io
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from random import Random
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from gateway.query import Reader, exports
from gateway.query.as_of import AsOf, encode_as_of
from gateway.query.complete import Complete
from gateway.query.logs import plan
from gateway.query.logs.columns import COLUMNS, KEYS
from gateway.query.logs.export import pages
from gateway.query.logs.fields import LANGUAGE
from gateway.query.range import Range
from gateway.query.reader import Cramped
from gateway.query.times import format_time
from gateway.rejections import Unavailable
from tests.integration.gateway.query.questions import HOUR, asking, found_rows
from tests.integration.gateway.query.random_trees import row as random_row
from tests.integration.gateway.query.read_api import NOON, Store, client

EXPORT = "/api/v1/projects/p/logs/export"
DAY = Range(NOON - 12 * HOUR, NOON + 12 * HOUR)
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "'=1", 'a"b', "a,b", "two\nlines", "back\r\nthere", "é😀", ""]


def rows(random: Random, n: int) -> list[dict[str, Any]]:
    """Many at the same moment."""
    made = [random_row(random, each) for each in range(n)]
    return [each | {"timestamp": NOON + random.choice([0, 0, 1, random.randrange(-HOUR, HOUR)])} for each in made]


def split(file: bytes) -> tuple[bytes, bytes]:
    """What stands before the last line, and that line."""
    before = file[: file[:-1].rfind(b"\n") + 1]
    return before, file[len(before) :]


def manifest_of(file: bytes) -> Any:
    """The manifest of a file, whose sum must be right."""
    before, last = split(file)
    if last.startswith(b"{"):
        (manifest,) = json.loads(last).values()
    else:
        (record,) = csv.reader(io.StringIO(last.decode(), newline=""))
        assert not any(record[1:])
        manifest = json.loads(record[0].removeprefix("#manifest "))
    assert manifest["sha256"] == sha256(before).hexdigest()
    return manifest


async def export(api: httpx.AsyncClient, **given: Any) -> bytes:
    answer = await api.get(EXPORT, params=given)
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows make many steps and pages."""
    monkeypatch.setattr(plan, "MAX_ROWS", 50)
    monkeypatch.setattr(pages, "FIRST_ROWS", 7)
    monkeypatch.setattr(pages, "PAGE_ROWS", 11)


@pytest.mark.parametrize("query", ["", "level:>=warn", "timeout OR logger:db.*", "nothing here"])
async def test_a_file_has_the_rows_that_plain_sql_finds(
    api: httpx.AsyncClient, store: Store, small: None, query: str
) -> None:
    random = Random(5)
    store.add_logs(*rows(random, 300))
    store.add_logs(*(each | {"project_id": "q"} for each in rows(random, 50)))
    expected = found_rows(store, "logs", LANGUAGE, query, DAY)
    file = await export(api, **asking(query, DAY), columns=",".join([*COLUMNS, "ref"]))
    before, _ = split(file)
    logs = [json.loads(line) for line in before.splitlines()]
    places = ("_topic", "_partition", "_offset", "_index", "message", "line_number")
    assert [[log[name] for name in places] for log in logs] == [[row[name] for name in places] for row in expected]
    assert all(list(log) == [*COLUMNS, "ref"] and log["project_id"] == "p" for log in logs)
    listed = await api.get("/api/v1/projects/p/logs", params=asking(query, DAY) | {"limit": 1000})
    of_lists = (await export(api, **asking(query, DAY))).splitlines()[:-1]
    assert [json.loads(line) for line in of_lists] == listed.json()["logs"]
    manifest = manifest_of(file)
    assert (manifest["rows"], manifest["next"]) == (len(expected), None)
    assert manifest["range"] == {"start": format_time(DAY.start), "end": format_time(DAY.end)}
    assert (manifest["as_of"], manifest["complete_up_to"]) == (None, None)
    assert manifest["complete_reason"] == "this process does not ask the queue"


@pytest.mark.parametrize("raw", [False, True])
async def test_csv_is_read_back_by_the_csv_module(api: httpx.AsyncClient, store: Store, small: None, raw: bool) -> None:
    messages = [text for text in FORMULAS for _ in range(3)]
    attributes = '{"a":"=1",  "b":1e400}'
    store.add_logs(
        *({"message": text, "timestamp": NOON - n, "user_id": text[:1], "attributes": attributes, "line_number": n}
          for n, text in enumerate(messages))
    )  # fmt: skip
    columns = ["message", "timestamp", "user_id", "attributes", "line_number", "service", "_partition"]
    file = await export(api, **asking("", DAY), format="csv", columns=",".join(columns), raw="1" if raw else "0")
    manifest = manifest_of(file)
    assert manifest["rows"] == len(messages)
    header, *records, last = csv.reader(io.StringIO(file.decode(), newline=""))
    assert header == columns
    assert last[0].startswith("#manifest ")
    assert {len(record) for record in (header, *records, last)} == {len(columns)}

    def cell(text: str) -> str:
        return f"'{text}" if not raw and text[:1] in tuple("=+-@\t\r") and text else text

    assert records == [
        [cell(text), format_time(NOON - n), cell(text[:1]), attributes, str(n or ""), "", "0"]
        for n, text in enumerate(messages)
    ]


class Arriving(Reader):
    """More logs are stored before every query."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.url)
        self.store = store
        self.arrived = 0

    async def read(self, *arguments: Any, **more: Any) -> Any:
        late = [{"message": "late", "timestamp": NOON + n, "_offset": 1000 + self.arrived + n} for n in range(-20, 20)]
        await asyncio.to_thread(self.store.add_logs, *late)
        self.arrived += 40
        return await super().read(*arguments, **more)


async def test_a_file_is_of_one_state_however_many_rows_arrive(store: Store, small: None) -> None:
    state = AsOf(NOON, {"logs": (100,)})

    async def complete(table: str) -> Complete:
        return Complete(NOON, state)

    store.add_logs(*({"message": f"{n}", "timestamp": NOON + n % 3, "_offset": n} for n in range(100)))
    reader = Arriving(store)
    async with client(reader, complete=complete) as api:
        for given in ({}, {"as_of": encode_as_of(state)}):
            file = await export(api, **asking("", DAY), **given)
            before, _ = split(file)
            messages = [json.loads(line)["message"] for line in before.splitlines()]
            assert sorted(messages, key=int) == [f"{n}" for n in range(100)]
            manifest = manifest_of(file)
            assert manifest["as_of"] == encode_as_of(state)
            assert manifest["complete_up_to"] == format_time(NOON)
    assert reader.arrived > 400
    await reader.close()


async def test_what_is_too_much_for_one_file_goes_on_in_the_next(
    api: httpx.AsyncClient, store: Store, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_logs(*rows(Random(3), 200))
    found: list[bytes] = []
    given: dict[str, str] = asking("", DAY)
    for most in (60, 1, 57, 1000):
        monkeypatch.setattr(pages, "MAX_ROWS", most)
        file = await export(api, **given, columns="ref")
        found += split(file)[0].splitlines()
        manifest = manifest_of(file)
        assert manifest["rows"] == min(most, 82)
        given["cursor"] = manifest["next"]
    assert given["cursor"] is None
    assert found == split(await export(api, **asking("", DAY), columns="ref"))[0].splitlines()
    assert len(set(found)) == 200


class Taker:
    """A client of an export that is called as ASGI calls it, and takes a piece when it is let."""

    def __init__(self, api: httpx.AsyncClient, **given: Any) -> None:
        transport: Any = api._transport
        self._app = transport.app
        self._query = urlencode(given or asking("", DAY))
        self.sent: list[Any] = []
        self.is_asked_to_take = False
        self.may_take = asyncio.Event()
        self.may_take.set()
        self._gone = asyncio.Event()

    @property
    def body(self) -> bytes:
        return b"".join(each.get("body", b"") for each in self.sent)

    @property
    def is_whole(self) -> bool:
        """Whether the answer was ended."""
        return bool(self.sent) and self.sent[-1]["type"].endswith("body") and not self.sent[-1].get("more_body")

    def hang_up(self) -> None:
        self._gone.set()

    async def _send(self, message: Any) -> None:
        self.is_asked_to_take = True
        await self.may_take.wait()
        self.sent.append(message)

    async def _receive(self) -> Any:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[asyncio.Task[None]]:
        scope = {
            "type": "http", "method": "GET", "path": EXPORT, "raw_path": EXPORT.encode(), "root_path": "",
            "scheme": "http", "query_string": self._query.encode(), "headers": [(b"x-api-key", b"reader")],
        }  # fmt: skip
        task = asyncio.create_task(self._app(scope, self._receive, self._send))
        yield task
        async with asyncio.timeout(20):
            await task


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - threads and another process make it true
            await asyncio.sleep(0.01)


class Failing(Reader):
    """Every query from a certain one on fails."""

    def __init__(self, url: str, answers: int) -> None:
        super().__init__(url)
        self.left = answers

    async def read(self, *arguments: Any, **more: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Unavailable
        return await super().read(*arguments, **more)


async def test_a_file_that_breaks_off_has_no_manifest_and_no_end(store: Store, small: None) -> None:
    store.add_logs(*rows(Random(3), 200))
    reader = Failing(store.url, 5)
    async with client(reader) as api:
        taker = Taker(api)
        async with taker.asking():
            pass
        assert taker.sent[0]["status"] == 200
        assert 0 < taker.body.count(b"\n") < 200
        assert b"manifest" not in taker.body
        assert not taker.is_whole
        assert (await api.get(EXPORT)).status_code == 503  # before the first page it is still a refusal
        reader.left = 1000
        assert manifest_of(await export(api, **asking("", DAY)))["rows"] == 200
    await reader.close()


class Stuck(Reader):
    """From the fourth query on one waits for ClickHouse until it is cancelled."""

    reads = cancelled = 0

    async def read(self, *arguments: Any, **more: Any) -> Any:
        self.reads += 1
        if self.reads < 4:
            return await super().read(*arguments, **more)
        try:
            await super().read(list, "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)", {})
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def test_when_the_client_hangs_up_its_query_ends(store: Store, small: None) -> None:
    store.add_logs(*rows(Random(3), 200))
    reader = Stuck(store.url, timeout_s=60)
    async with client(reader) as api:
        taker = Taker(api)
        async with taker.asking():
            await until(lambda: reader.reads >= 4)
            taker.hang_up()
        assert reader.cancelled == 1
        await until(lambda: not reader._aborting)
        assert not taker.is_whole
    await reader.close()


async def test_a_project_has_two_exports_at_a_time(api: httpx.AsyncClient, store: Store) -> None:
    store.add_logs(*rows(Random(3), 10))
    takers = [Taker(api), Taker(api)]
    for taker in takers:
        taker.may_take.clear()
    async with takers[0].asking():
        async with takers[1].asking():
            await until(lambda: all(taker.is_asked_to_take for taker in takers))
            answer = await api.get(EXPORT)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
            assert answer.json() == {"detail": exports.TooManyExports.sentence}
            takers[1].may_take.set()
        assert (await api.get(EXPORT)).status_code == 200
        takers[0].hang_up()
    assert manifest_of(takers[1].body)["rows"] == 10
    assert not takers[0].sent
    assert (await api.get(EXPORT)).status_code == 200


class Poor(Reader):
    """ClickHouse has 300 MB for a query."""

    refused = 0

    async def read(self, make: Any, sql: str, parameters: Any, *, settings: Any = None, **more: Any) -> Any:
        try:
            little = {**(settings or {}), "max_memory_usage": 300_000_000}
            return await super().read(make, sql, parameters, settings=little, **more)
        except Cramped:
            self.refused += 1
            raise


async def test_memory_is_bounded_whatever_the_rows_are(store: Store) -> None:
    """60 MB of rows of 100 kB."""
    for first in range(0, 600, 100):
        store.add_logs(*({"message": f"{first + n} " + "x" * 100_000, "timestamp": NOON + n} for n in range(100)))
    reader = Poor(store.url)
    async with client(reader) as api:
        lengths, last, peak = await taken(api)
    await reader.close()
    assert sum(lengths) > 60_000_000
    assert max(lengths) < 1_000_000
    assert b'"rows":600' in last
    assert peak < 40_000_000
    assert reader.refused == 0


async def taken(api: httpx.AsyncClient) -> tuple[list[int], bytes, int]:
    """An export of which the client keeps nothing but the lengths of the pieces and the last line; and the most memory
    that Python had meanwhile, bytes."""
    taker = Taker(api, **asking("", DAY))
    lengths: list[int] = []

    async def forget(message: Any) -> None:
        lengths.append(len(message.get("body", b"")))
        if message.get("body", b"").startswith(b'{"manifest"'):
            taker.sent.append(message)

    taker._send = forget  # type: ignore[method-assign]
    tracemalloc.start()
    async with taker.asking():
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return lengths, taker.body, peak


async def test_what_is_wrong_is_told_before_anything_is_sent(api: httpx.AsyncClient, store: Store) -> None:
    answer = await api.get(
        EXPORT, params={"format": "xml", "columns": "password", "raw": "yes", "cursor": "x", "limit": "5"}
    )
    assert answer.status_code == 422
    assert [each["loc"][1] for each in answer.json()["detail"]] == ["format", "columns", "raw", "cursor", "limit"]
    assert (await api.get(EXPORT.replace("/p/", "/q/"))).status_code == 404
    head = await api.head(EXPORT, params={"format": "csv"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert head.headers["content-disposition"] == 'attachment; filename="logs.csv"'
    empty = await api.get(EXPORT, params={"format": "csv"})
    assert manifest_of(empty.content)["rows"] == 0
    assert empty.content.startswith(",".join(KEYS).encode() + b"\r\n")
