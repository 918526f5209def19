"""Cut and flipped bytes of recorded envelopes: whatever the gateway accepts, the writer makes rows of; all else is 400
or 413. No body takes longer than its size allows."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from shared.formats.sentry.envelope import parse
from tests.fuzz.in_process import KNOWN, InProcess
from tests.fuzz.mixes import maimed
from tests.fuzz.requests import Answer, Request
from tests.fuzz.test_fuzz_otlp import changed

FILES = Path(__file__).parents[1] / "fixtures" / "sentry"
BODIES = {file.name: file.read_bytes() for file in sorted(FILES.rglob("*.envelope"))}
STORED = {file.name: file.read_bytes() for file in sorted(FILES.glob("*store*.json")) if ".request." not in file.name}
KEY = (b"x-api-key", KNOWN.ingest.encode())
ENVELOPE, STORE = "/api/1/envelope/", "/api/1/store/"


@pytest.fixture(scope="module")
def in_process() -> Iterator[InProcess]:
    made = InProcess()
    yield made
    made.close()


def check(in_process: InProcess, body: bytes, path: str = ENVELOPE) -> Answer:
    request = Request(path, "POST", path.encode(), [KEY], body)
    answer = in_process.ask(request)
    assert answer.status in (200, 400, 413), request
    assert json.loads(answer.body).keys() <= {"id", "detail"}, request
    rows = sum(block.rows for _, block in in_process.rows())
    assert rows == 0 or answer.status == 200, request
    return answer


@pytest.mark.parametrize("name", BODIES | STORED)
def test_cut_and_flipped_bytes_are_refused_or_become_rows(in_process: InProcess, name: str) -> None:
    random, others = Random(name), list(BODIES.values())
    body = (BODIES | STORED)[name] or b"{}"
    for _ in range(30):
        path = STORE if (name in STORED) ^ (random.random() < 0.1) else ENVELOPE
        check(in_process, maimed(body, random, random.choice(others)), path)


@pytest.mark.parametrize("name", [name for name, body in BODIES.items() if b'"type":"' in body and len(body) > 400])
def test_items_with_odd_values_are_refused_or_become_rows(in_process: InProcess, name: str) -> None:
    random = Random(name)
    items = [(item.type, json.loads(item.payload)) for item in parse(BODIES[name])[1] if item.payload[:1] == b"{"]
    for _ in range(40):
        body = b'{"event_id":5,"trace":[]}'
        for kind, value in items:
            text = json.dumps(changed(json.loads(json.dumps(value)), random)).encode()
            body += b'\n{"type":"%b","length":%d}\n%b' % (kind.encode(), len(text), text)
        check(in_process, body)


LARGE: dict[str, tuple[int, bytes]] = {
    "newlines": (200, b"\n" * 4_900_000),
    "one line": (400, b"x" * 4_900_000),
    "quotes": (400, b'{"type":"' + b'\\"' * 2_400_000),
    "items": (413, b'{"type":"a","length":0}\n\n' * 190_000),
    "brackets": (400, b'{"type":"event"}\n' + b"[" * 4_900_000),
    "objects": (413, b'{"type":"log"}\n{"items":[' + b",".join([b"{}"] * 1_500_000) + b"]}"),
    "fields": (200, b'{"type":"span"}\n{"x":{' + b",".join([b'"a":1'] * 800_000) + b"}}"),
    "keys of a transaction": (413, b'{"type":"transaction"}\n{' + b",".join([b'"a":NaN'] * 600_000) + b"}"),
    "NaN": (413, b'{"type":"event"}\n{"message":[' + b",".join([b"NaN"] * 1_200_000) + b"]}"),
    "reports": (200, b'{"type":"client_report"}\n{"discarded_events":[' + b",".join([b"{}"] * 1_500_000) + b"]}"),
    "a deep event": (400, b'{"type":"event"}\n{"message":%b1%b}' % (b"[" * 600, b"]" * 600)),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_body_is_answered_in_time(in_process: InProcess, name: str) -> None:
    """Of these, some would take minutes or gigabytes if anything were looked at twice."""
    status, body = LARGE[name]
    assert check(in_process, b"{}\n" + body).status == status


PATHS = (
    *(ENVELOPE, STORE, "/api/1/envelope", "/api/store", "/api/store/", "//api//7/store", "/api/07/envelope/"),
    *("/api/1/security/", "/api/1/minidump/", "/api/1/nel/", "/api/x/envelope/", "/api/-1/store/", "/api/1/", "/api/"),
    *("/api/1/envelope/x", "/api/%00/envelope/", "/api/1/envelope;a", "/api/{sentry_project}/envelope"),
)
QUERIES = ("", "?sentry_key=dt_unknown", f"?sentry_key={KNOWN.ingest}", "?sentry_key=%ff", "?sentry_key", "?&&=%")
HEADERS = (
    *((b"x-sentry-auth", b"Sentry"), (b"x-sentry-auth", b"Sentry sentry_key=" + KNOWN.read.encode())),
    *((b"authorization", b"Sentry sentry_key=\xff"), (b"x-api-key", b""), (b"origin", b"https://a.example")),
    *((b"content-encoding", b"gzip"), (b"content-encoding", b"snappy"), (b"content-type", b"\xff"), KEY),
)
METHODS = ("POST", "POST", "POST", "GET", "HEAD", "PUT", "OPTIONS", "TRACE")


def test_any_request_is_answered_as_sentrys_sdks_are(in_process: InProcess) -> None:
    random, bodies, seen = Random("requests"), [b"", *BODIES.values(), *STORED.values()], set()
    for _ in range(1_500):
        method, path = random.choice(METHODS), random.choice(PATHS) + random.choice(QUERIES)
        headers = list(dict(random.choices(HEADERS, k=random.randrange(3))).items())
        request = Request(path, method, path.encode(), headers, random.choice(bodies))
        answer = in_process.ask(request)
        seen.add(answer.status)
        if method == "HEAD" or answer.status in (200, 204):
            continue
        assert answer.status in (400, 401, 403, 404, 405, 415), request
        assert json.loads(answer.body) == {"detail": answer.header("x-sentry-error")}, request
        assert (answer.status == 405) == bool(answer.header("allow")), request
    assert seen == {200, 204, 400, 401, 403, 404, 405, 415}
    in_process.rows()
