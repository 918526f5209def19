"""What was sent is what is told of it: accepted, dropped, refused, stored, fresh (reading.md, "Usage")."""

import gzip
import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.clients.postgres import connect
from shared.keys import create_key, generate
from shared.projects import Project, create_project
from tests.integration.stack import RunningStack, running_stack, wait_until

CALLS = Path(__file__).parents[1] / "fixtures/otlp/genai-traceloop-openai.pb"
LOG = {"level": "info", "message": "m"}
ORIGIN = "https://app.example.com"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("counts") / "var") as running:
        yield running


class Sender:
    """A project of its own, with keys that send, read, send from one origin, and send once a minute."""

    def __init__(self, stack: RunningStack, project: str) -> None:
        self._stack = stack
        self.project = project
        self.ingest, self.read, self.browser, self.limited = (generate(kind) for kind in ("dt", "dt", "pk", "dt"))
        with connect(stack.env["SLUICE_POSTGRES_URL"]) as db:
            create_project(db, Project(id=project, name=project))
            create_key(db, project, self.ingest, scopes=["ingest"])
            create_key(db, project, self.read, scopes=["read"])
            create_key(db, project, self.browser, scopes=["ingest"], origins=[ORIGIN])
            create_key(db, project, self.limited, scopes=["ingest"], ingest_limit=1)

    def post(self, path: str, body: object, key: str = "", **headers: str) -> int:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._stack.request("POST", path, data, {"X-API-Key": key or self.ingest, **given})[0]

    def usage(self) -> dict[str, Any]:
        status, found = self._stack.request(
            "GET", f"/api/v1/projects/{self.project}/usage?last=2h", headers={"X-API-Key": self.read}
        )
        assert status == 200, found
        return dict(found)


def good(sender: Sender) -> None:
    """Of every signal, by several routes and keys: 10 logs, one of them of a drain, an error, three spans of calls to
    models, one of which failed; a log and an entry of a drain are dropped."""
    packed = gzip.compress(json.dumps({"logs": [LOG]}).encode())
    assert sender.post("/ingest/logs", {"logs": [LOG] * 5}) == 200
    assert sender.post("/ingest/logs", packed, content_encoding="gzip") == 200
    assert sender.post("/api/v1/logs/batch", {"logs": [LOG] * 2}, sender.browser, origin=ORIGIN) == 202
    assert sender.post("/api/v1/logs/batch", {"logs": [LOG, {"level": "loud", "message": "m"}]}) == 202
    assert sender.post("/ingest/errors", {"error_message": "boom", "stack_trace": "Error: boom"}) == 200
    assert sender.post("/ingest/drain", [{"id": "1", "message": "drained"}, "no entry"]) == 200
    assert sender.post("/v1/traces", CALLS.read_bytes(), content_type="application/x-protobuf") == 200


def bad(sender: Sender) -> Counter[tuple[str, str]]:
    """Refused requests: (signal, reason) -> how many."""
    assert sender.post("/ingest/logs", b"{") == 400
    assert [sender.post("/ingest/llm", {"usage": []}) for _ in range(2)] == [400, 400]
    assert sender.post("/ingest/logs", {"logs": [LOG]}, sender.read) == 403
    assert sender.post("/ingest/logs", {"logs": [LOG]}, sender.browser, origin="https://evil.example") == 403
    assert sender.post("/ingest/traces", gzip.compress(b" " * 20_000_001), content_encoding="gzip") == 413
    assert sender.post("/ingest/logs", b"x", content_encoding="lzma") == 415
    assert sender.post("/ingest/logs", {"logs": [LOG]}, "dt_of_nobody") == 401
    return Counter(
        {("logs", "malformed"): 1, ("llm", "invalid"): 2, ("logs", "scope"): 1, ("logs", "origin"): 1,
         ("traces", "too_large"): 1, ("logs", "encoding"): 1}
    )  # fmt: skip


def over_the_limit(sender: Sender) -> tuple[int, int]:
    """(accepted, refused) of a key that may send one request a minute."""
    statuses = [sender.post("/ingest/logs", {"logs": [LOG]}, sender.limited) for _ in range(3)]
    assert set(statuses) == {200, 429}
    return statuses.count(200), statuses.count(429)


def restart(stack: RunningStack, *roles: str) -> None:
    """Each is ended in good order, and so adds what it has counted; `sluice up` starts it again."""
    for role in roles:
        former = stack.pid(role)
        os.kill(former, signal.SIGTERM)
        wait_until(lambda role=role, former=former: stack.pid(role) != former, 60, f"{role} started again")


def test_all_that_was_sent_is_counted_and_of_no_other_project(stack: RunningStack) -> None:
    mine, other = Sender(stack, "mine"), Sender(stack, "other")
    good(mine)
    refused = bad(mine)
    let_through, refused["logs", "rate_limited"] = over_the_limit(mine)
    assert other.post("/ingest/logs", {"logs": [LOG] * 9}) == 200
    assert other.post("/ingest/logs", b"{") == 400
    stored = {"logs": 10 + let_through, "errors": 2, "traces": 3, "llm": 3}
    wait_until(lambda: (mine.usage()["total"], other.usage()["total"]) == (stored, {"logs": 9}), 60, "all stored")
    restart(stack, "gateway", "writer")

    usage = wait_until(lambda: found if (found := mine.usage())["freshness"]["signals"] else None, 60, "ages")
    counted = usage["counted"]
    assert counted["accepted"] == {"logs": 9 + let_through, "drain": 1, "errors": 1, "traces": 3}
    assert counted["derived"] == {"errors": 1, "llm": 3}
    assert [tuple(each.values()) for each in counted["dropped"]] == [("drain", "invalid", 1), ("logs", "invalid", 1)]
    assert {(each["signal"], each["reason"]): each["requests"] for each in counted["refused"]} == refused
    assert sum(sum(each["refused"].values()) for each in counted["buckets"]) == refused.total()
    assert {each["signal"]: each["messages"] for each in usage["freshness"]["signals"]} == {
        "logs": 4 + let_through, "drain": 1, "errors": 2, "traces": 1, "llm": 1
    }  # fmt: skip
    assert all(0 < each["p50_s"] <= each["p99_s"] < 60 for each in usage["freshness"]["signals"])
    assert sum(each["messages"] for each in usage["freshness"]["buckets"]) == 9 + let_through
    limits = usage["limits"]
    assert sorted(each["requests_a_minute"] for each in limits["keys"]) == [1, 5000, 5000]
    assert limits["retention_days"] == 30

    theirs = other.usage()["counted"]
    assert (theirs["accepted"], theirs["derived"], theirs["dropped"]) == ({"logs": 9}, {}, [])
    assert theirs["refused"] == [{"signal": "logs", "reason": "malformed", "requests": 1}]


def test_what_this_minute_has_used_of_a_limit_is_told(stack: RunningStack) -> None:
    sender = Sender(stack, "hurried")

    def used() -> bool:
        sender.post("/ingest/logs", {"logs": [LOG]}, sender.limited)
        return sorted(each["this_minute"] for each in sender.usage()["limits"]["keys"]) == [0, 0, 1]

    wait_until(used, 30, "the request of this minute")
