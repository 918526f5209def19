"""The demo's traffic, before it is sent: the same seed makes the same, and what is made is sent until it is taken."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from pathlib import Path
from threading import Thread

import pytest

from deploy.demo import sender as sender_module
from deploy.demo.hour import RECENT_S, Hour
from deploy.demo.records import Keys, Sending, sendings
from deploy.demo.sender import NotTaken, Sender
from deploy.demo.target import Target
from deploy.demo.visit import Visit

END = 1_800_000_000.0
KEYS = Keys("dt_ingest", "pk_public", "dt_read", "secret")


def hour(seed: int = 1, end: float = END, minutes: float = 60) -> Hour:
    return Hour(end - minutes * 60, end, 10, seed)


def visits(made: Hour) -> list[Visit]:
    return list(takewhile(lambda visit: visit.scene.at < made.end, made.visits()))


def sent(made: Hour) -> list[Sending]:
    return list(sendings([record for visit in visits(made) for record in visit.records], KEYS))


def test_the_same_seed_makes_the_same_traffic() -> None:
    assert sent(hour()) == sent(hour())
    assert sent(hour()) != sent(hour(seed=2))


def test_a_later_hour_of_the_same_seed_is_no_repeat() -> None:
    first, later = visits(hour()), visits(hour(end=END + 7_200))
    assert [len(visit.records) for visit in first] == [len(visit.records) for visit in later]
    assert not {visit.trace_id for visit in first} & {visit.trace_id for visit in later}
    assert not {each.headers["Idempotency-Key"] for each in sent(hour())} & {
        each.headers["Idempotency-Key"] for each in sent(hour(end=END + 7_200))
    }


def test_it_is_spread_over_the_hour_and_goes_on_after_it() -> None:
    made = hour()
    found = visits(made)
    assert len(found) == 600
    assert [visit.scene.at for visit in found] == sorted(visit.scene.at for visit in found)
    assert {int((visit.scene.at - made.start) // 60) for visit in found} == set(range(60))
    more = made.visits()
    assert [next(more).scene.at for _ in range(601)][-1] >= made.end


def test_what_has_no_time_of_its_own_is_reported_only_of_what_has_just_happened() -> None:
    made = hour()
    for visit in visits(made):
        kinds = Counter(record.kind for record in visit.records)
        assert not kinds["errors"] + kinds["llm"] or visit.scene.at > made.end - RECENT_S
        assert not kinds["calls"] or visit.scene.at <= made.end - RECENT_S
        assert not kinds["app errors"] or visit.scene.at <= made.end - RECENT_S


def test_calls_to_models_are_spread_over_the_hour() -> None:
    made = hour()
    calls = [each.body for visit in visits(made) for each in visit.records if each.kind == "calls"]
    starts = {int(int(call["startTimeUnixNano"]) / 1e9 - made.start) // 60 for call in calls}
    assert len(starts) > 30
    assert {call["name"].split()[0] for call in calls} == {"chat", "embeddings"}


def test_a_batch_is_one_request_and_a_span_one_of_its_own() -> None:
    by_path: dict[str, list[Sending]] = {}
    for each in sent(hour()):
        by_path.setdefault(each.path, []).append(each)
    assert {each.records for each in by_path["/ingest/traces"]} == {1}
    assert max(each.records for each in by_path["/api/v1/logs/batch"]) <= 100
    assert all(json.loads(each.body)["api_key"] == KEYS.public for each in by_path["/api/v1/logs/batch"])
    assert all("X-Vercel-Signature" in each.headers for each in by_path["/ingest/drain"])


@contextmanager
def gateway(*answers: tuple[int, bytes]) -> Iterator[tuple[str, list[str]]]:
    """Answers so, in this order, then 200; status 0 ends the connection. Gives its URL, and the keys that came."""
    left, came = list(answers), []

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            came.append(self.headers["Idempotency-Key"])
            status, body = left.pop(0) if left else (200, b"{}")
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", came
        server.shutdown()


ONE = Sending("/ingest/logs", {"Idempotency-Key": "k"}, b"{}", "logs", 3)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "_MOST_WAIT_S", 0.0)


def test_a_request_is_sent_until_it_is_taken_under_one_key() -> None:
    with gateway((503, b""), (0, b""), (429, b"")) as (url, came), Sender(url) as sender:
        sender.send([ONE])
        assert came == ["k"] * 4
        assert sender.taken == {"logs": 3}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, b"no"), "the key, or the drain's secret, is of another project"),
        ((400, b"bad"), "/ingest/logs answered 400"),
        ((202, b'{"accepted":1,"dropped":2}'), "left out 2 of 3 records"),
        ((200, b'{"partialSuccess":{"rejectedSpans":"2"}}'), "left out 2 of 3 records"),
    ],
)
def test_a_refusal_ends_it_with_a_sentence(answer: tuple[int, bytes], said: str) -> None:
    with gateway(answer) as (url, came), Sender(url) as sender:
        with pytest.raises(NotTaken, match=said):
            sender.send([ONE])
        assert len(came) == 1


def test_no_gateway_is_said() -> None:
    with gateway() as (url, _):
        pass
    with Sender(url) as sender, pytest.raises(NotTaken, match="start one with sluice up"):
        sender.send([ONE])


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotTaken, match="SLUICE_INGEST_KEY, SLUICE_PUBLIC_KEY, SLUICE_READ_KEY are not set"):
        Target.of({"SLUICE_URL": "http://x", "SLUICE_PROJECT_ID": "p"}, tmp_path)
