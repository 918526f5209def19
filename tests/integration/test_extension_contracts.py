"""Wire contracts and an API of a stranger's own, each in one file of an extension folder (architecture.md, "How to add
something"): a binary contract, one with records of two signals in a request, a third API's errors."""

import json
import shutil
from collections.abc import Iterator
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.integration.stack import RunningStack, running_stack, wait_until

FILES = Path(__file__).parents[1] / "fixtures" / "extension"
NOON_MS = 1_767_268_800_000

FAULTY = '''
"""The second of two publishes fails, or the process is killed between them: once, when a file says so."""

import asyncio
import os
import signal
from pathlib import Path

from shared.queue.base import QueueUnavailable
from shared.queue.sqlite.producer import SqliteProducer

WHAT = Path(__file__).with_name("fault")
publish = SqliteProducer.publish
first_is_durable = asyncio.Event()


async def faulty(self, topic, value, key=None):
    if not WHAT.exists():
        return await publish(self, topic, value, key)
    if topic != "traces":
        published = await publish(self, topic, value, key)
        first_is_durable.set()
        return published
    what = WHAT.read_text()
    await first_is_durable.wait()
    first_is_durable.clear()
    WHAT.unlink()
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise QueueUnavailable("for this test")


SqliteProducer.publish = faulty
'''


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    json: Any


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("acme") / "extension"
    shutil.copytree(FILES, folder)
    (folder / "formats" / "faulty.py").write_text(FAULTY)
    return folder


@pytest.fixture(scope="module")
def stack(extension: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    environment = {"SLUICE_EXTENSIONS": str(extension)}
    with running_stack(tmp_path_factory.mktemp("contracts") / "var", environment=environment) as running:
        yield running


def post(stack: RunningStack, path: str, body: bytes, **headers: str) -> Answer:
    connection = HTTPConnection(urlsplit(stack.env["SLUICE_URL"]).netloc, timeout=60)
    bearer = {"Authorization": f"Bearer {stack.env['SLUICE_INGEST_KEY']}"}
    try:
        connection.request("POST", path, body, bearer | headers)
        answer = connection.getresponse()
        head = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, head, json.loads(answer.read() or b"null"))
    finally:
        connection.close()


def beats(stack: RunningStack, *records: list[Any]) -> Answer:
    return post(stack, "/acme/beats", msgspec.msgpack.encode(records))


def stored(stack: RunningStack, n: int, where: str, table: str = "logs") -> list[dict[str, Any]]:
    """The rows of a condition, once there are `n`."""
    sql = f"SELECT * FROM {table} WHERE {where} ORDER BY _offset, _index"
    return wait_until(lambda: rows if len(rows := stack.rows(sql)) >= n else None, 60, where)


class TestABinaryContract:
    def test_its_records_become_rows(self, stack: RunningStack) -> None:
        answer = beats(stack, [NOON_MS, "thump", {"chamber": "left"}], [NOON_MS + 1, "th\xff\u20acump \0"])
        assert (answer.status, answer.json) == (201, {"beats": 2, "left_out": 0})
        first, second = stored(stack, 2, "format = 'acme.beats' AND message LIKE 'th%'")
        assert (first["message"], first["attributes"]) == ("thump", '{"chamber":"left"}')
        assert (second["message"], int(first["timestamp"].timestamp())) == ("th\xff\u20acump \ufffd", NOON_MS // 1000)

    def test_a_bad_record_is_dropped_and_the_others_are_kept(self, stack: RunningStack) -> None:
        answer = beats(stack, [1, "bad: one"], [2, ""], [3, "bad: two"])
        assert (answer.status, answer.json) == (201, {"beats": 2, "left_out": 1})
        assert answer.headers["x-dropped"] == "1:missing_text"
        assert [row["_index"] for row in stored(stack, 2, "message LIKE 'bad: %'")] == [0, 1]

    def test_more_than_fits_a_message_becomes_several(self, stack: RunningStack) -> None:
        names = [f"large {n} " for n in range(7)]
        answer = beats(
            stack, *([n, name + "x" * 400_000] for n, name in enumerate(names)), [8, "large: too large" * 40_000]
        )
        assert (answer.status, answer.json) == (201, {"beats": 7, "left_out": 1})
        rows = stored(stack, 7, "message LIKE 'large %'")
        assert [row["message"][:8] for row in rows] == names
        assert len({row["_offset"] for row in rows}) == 4
        assert len({row["_partition"] for row in rows}) == 1

    def test_a_record_that_becomes_no_row_is_a_letter_alone(self, stack: RunningStack) -> None:
        assert beats(stack, [1, "before it"], [2, "no row"], [3, "after it"]).status == 201
        stored(stack, 2, "message IN ('before it', 'after it')")
        listed = stack.sluice("dlq", "list")
        (letter,) = [each for each in listed["letters"] if each["reason"] == "unconvertible"]
        assert (letter["index"], letter["topic"]) == (1, "logs")
        shown = stack.sluice("dlq", "show", letter["key"])
        assert (shown["stamp"]["n"], shown["records"]) == (1, [[2, "no row", {}]])

    def test_what_its_codec_cannot_read_is_refused_in_the_apis_words(self, stack: RunningStack) -> None:
        answer = post(stack, "/acme/beats", b"\xc1\xff" * 1000)
        assert (answer.status, answer.json) == (418, {"problem": "unreadable", "bytes": 2000})
        deep = b"\x91" * 100_000  # arrays in arrays: no bracket counter looks at them
        assert post(stack, "/acme/beats", deep).status == 418


class TestTwoSignalsInOneRequest:
    def test_the_records_of_each_become_rows_of_each(self, stack: RunningStack) -> None:
        body = (
            b'log {"text": "mixed"}\nspan {"id": "s1", "operation": "mix"}\nlog {"text": "mixed too"}\nlog {"text": 5}'
        )
        answer = post(stack, "/acme/mixed", body)
        assert (answer.status, answer.json) == (200, {"kept": 3})
        assert answer.headers["x-dropped"] == "2:invalid_text"
        logs = stored(stack, 2, "format = 'acme.mixed.logs' AND message LIKE 'mixed%'")
        (span,) = stored(stack, 1, "span_id = 's1'", "spans")
        assert [row["message"] for row in logs] == ["mixed", "mixed too"]
        assert (span["operation"], span["_topic"], logs[0]["_topic"]) == ("mix", "traces", "logs")
        assert span["received_at"] == logs[0]["received_at"]

    def test_nothing_of_either_is_stored_where_the_body_is_none_of_the_contracts(self, stack: RunningStack) -> None:
        answer = post(stack, "/acme/mixed", b'log {"text": "lost?"}\nmetric 5')
        assert (answer.status, answer.json["problem"]) == (418, "unreadable")
        assert post(stack, "/acme/mixed", b"").json == {"kept": 0}
        assert stack.rows("SELECT * FROM logs WHERE message = 'lost?'") == []

    @pytest.mark.parametrize("fault", ["refuse", "kill"])
    def test_a_fault_between_the_two_publishes_is_no_success(
        self, stack: RunningStack, extension: Path, fault: str
    ) -> None:
        body = f'log {{"text": "{fault} between"}}\nspan {{"id": "{fault}", "operation": "between"}}'.encode()
        before = stack.pid("gateway")
        (extension / "formats" / "fault").write_text(fault)
        if fault == "refuse":
            answer = post(stack, "/acme/mixed", body)
            assert (answer.status, answer.json["problem"]) == (503, "unavailable")
            assert answer.headers["retry-after"]
        else:
            with pytest.raises((RemoteDisconnected, ConnectionError)):
                post(stack, "/acme/mixed", body)
            wait_until(lambda: stack.pid("gateway") != before, 60, "another gateway")
        assert not (extension / "formats" / "fault").exists()
        assert stored(stack, 1, f"message = '{fault} between'")
        assert stack.rows(f"SELECT * FROM spans WHERE span_id = '{fault}'") == []
        answer = wait_until(lambda: answered(stack, body), 60, "an answer")
        assert (answer.status, answer.json) == (200, {"kept": 2})
        assert len(stored(stack, 1, f"span_id = '{fault}'", "spans")) == 1


def answered(stack: RunningStack, body: bytes) -> Answer | None:
    """The answer to a request that is sent again; None while nobody answers."""
    try:
        answer = post(stack, "/acme/mixed", body)
    except OSError:
        return None
    return None if answer.status == 503 else answer


class TestAThirdApi:
    @pytest.mark.parametrize(
        ("path", "headers", "status", "body"),
        [
            (
                "/acme/beats",
                {"Authorization": "Bearer nobody"},
                401,
                {"problem": "unauthenticated", "what": "Who are you?"},
            ),
            (
                "/acme/mixed",
                {"Content-Encoding": "lzma"},
                415,
                {"problem": "encoding", "what": "Unsupported content encoding"},
            ),
            ("/acme/beats", {"Idempotency-Key": "k" * 256}, 400, {"problem": "idempotency_key"}),
            ("/acme/nowhere", {}, 404, {"problem": "not_found", "what": "Not found"}),
        ],
    )
    def test_it_refuses_in_its_own_shape(
        self, stack: RunningStack, path: str, headers: dict[str, str], status: int, body: dict[str, str]
    ) -> None:
        answer = post(stack, path, msgspec.msgpack.encode([[1, "beat"]]), **headers)
        assert (answer.status, {name: answer.json[name] for name in body}) == (status, body)
        assert answer.headers["content-type"] == "application/problem+json"

    def test_the_others_answer_as_before(self, stack: RunningStack) -> None:
        assert post(stack, "/ingest/nowhere", b"").json == {"error": "Not found"}
        assert post(stack, "/api/v1/nowhere", b"").json == {"detail": "Not found"}

    def test_what_never_became_a_request_is_answered_in_the_words_of_its_path(self, stack: RunningStack) -> None:
        connection = HTTPConnection(urlsplit(stack.env["SLUICE_URL"]).netloc, timeout=60)
        connection.putrequest("POST", "/acme/beats")
        connection.putheader("Content-Length", "many")
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["problem"]) == (400, "http")
        connection.close()

    def test_it_is_described(self, stack: RunningStack) -> None:
        status, document = stack.request("GET", "/openapi.json")
        assert status == 200
        beats, mixed = document["paths"]["/acme/beats"]["post"], document["paths"]["/acme/mixed"]["post"]
        assert list(beats["requestBody"]["content"]) == ["application/msgpack"]
        assert mixed["summary"] == "Take in logs, traces (acme.mixed.logs, acme.mixed.spans)"
        refusal = document["components"]["responses"][beats["responses"]["401"]["$ref"].rpartition("/")[2]]
        assert list(refusal["content"]) == ["application/problem+json"]


def test_audit_finds_every_record_of_the_contracts_once(stack: RunningStack) -> None:
    post(stack, "/acme/mixed", b'log {"text": "last"}\nspan {"id": "last", "operation": "o"}')
    stored(stack, 1, "span_id = 'last'", "spans")
    stored(stack, 1, "message = 'last'")
    told = stack.sluice("audit")
    assert told["ok"], told
