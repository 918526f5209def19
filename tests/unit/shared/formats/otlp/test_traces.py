"""Span -> row (contracts.md, "Spans")."""

import json

import pytest

from shared.formats.otlp import traces
from tests.unit.shared.formats.otlp.fixtures import body, codec_of
from tests.unit.shared.formats.otlp.table import rows_of

NO_STARTS = [(start, "missing_start_time") for start in (b'""', b'"0"', b"null", b"0", b"-1")]


def test_pythons_spans() -> None:
    select, post, chat = rows_of("python-traces.pb")
    assert [row["operation"] for row in (select, post)] == ["SELECT orders", "POST /checkout"]
    assert (select["parent_span_id"], post["parent_span_id"]) == (post["span_id"], "")
    assert (select["kind"], post["kind"]) == ("client", "server")
    assert (select["status"], select["duration_ms"], select["duration_us"]) == ("error", 1, 1183)
    assert (post["service"], post["scope_name"], post["extra"]["scope"]) == (
        "checkout",
        "shop.checkout",
        {"scope.a": 1},
    )
    events = json.loads(select["events"])
    assert [event["name"] for event in events] == ["cache.miss", "exception"]
    assert events[1]["attributes"]["exception.type"] == "ValueError"
    assert json.loads(chat["attributes"])["gen_ai.request.model"] == "gpt-4o"


@pytest.mark.parametrize("name", ["node-traces.json", "node-traces.pb"])
def test_nodes_spans_are_the_same_in_both_encodings(name: str) -> None:
    redis, users = rows_of(name)
    assert (redis["operation"], redis["kind"], redis["status"]) == ("redis GET", "client", "error")
    assert redis["status_message"] == "Cannot read properties of undefined (reading 'foo')"
    assert (users["status"], users["links"], redis["trace_id"]) == ("unset", b"", users["trace_id"])
    (link,) = json.loads(redis["links"])
    assert link == {
        "trace_id": users["trace_id"],
        "span_id": users["span_id"],
        "trace_state": "",
        "attributes": {"why": "x"},
    }
    event = json.loads(redis["events"])[0]
    assert (event["name"], event["attributes"]) == ("ev", {"a": 1})
    assert event["time"].startswith("2026-11-25T21:45:2")
    assert len(event["time"]) == len("2026-11-25T21:45:27.106284962Z")
    assert users["attributes"].decode() == (
        '{"http.request.method":"GET","http.response.status_code":500,"f":0.1,"big":9007199254740992,"b":true,'
        '"list":["a","b"]}'
    )


def test_good_and_bad_spans() -> None:
    name = "edge/spans-good-and-bad.pb"
    faults = [traces.judge(span) for span in codec_of(name).look(body(name))]
    assert sorted(filter(None, faults)) == ["invalid_id"] * 3 + ["missing_start_time"]
    good = [row for row, fault in zip(rows_of(name), faults, strict=True) if not fault]
    assert [row["operation"] for row in good][0::3] == ["ok", "unknown"]
    assert [row["duration_us"] for row in good] == [1500, 0, 0, 1500]
    assert [list(row["extra"]) for row in good] == [[], ["end_time"], [], []]


@pytest.mark.parametrize(("start", "fault"), [(b'"1767268800000000000"', ""), (b"1e18", ""), *NO_STARTS])
def test_a_span_of_json_needs_a_start_too(start: bytes, fault: str) -> None:
    sent = b'{"traceId":"%b","spanId":"%b","startTimeUnixNano":%b}' % (b"0A" * 16, b"0b" * 8, start)
    spans = codec_of("traces.json").look(b'{"resourceSpans":[{"scopeSpans":[{"spans":[%b]}]}]}' % sent)
    assert list(map(traces.judge, spans)) == [fault]
