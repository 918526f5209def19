"""What is picked out of an envelope, and what is not (sentry.md, "Items")."""

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.formats.intake import BadRecord, Malformed, Outcome, Picking, TooMany
from shared.formats.sentry.picking import ITEMS, MOST, MOST_EVENTS, pick
from shared.formats.sentry.replies import reply
from shared.formats.sentry.store import pick_stored

FILES = Path(__file__).parents[4] / "fixtures" / "sentry"
ID = "9ec79c33ec9942ab8353589fcb2e04dc"
EVENT = b'{"message":"hello"}'
IDS = {"trace_id": "a" * 32, "span_id": "B" * 16}
SPAN = IDS | {"name": "GET /", "start_timestamp": 1, "end_timestamp": 2}


def envelope(*items: tuple[str, Any], header: bytes = b"{}") -> bytes:
    made = header
    for kind, payload in items:
        text = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
        made += b'\n{"type":"%b","length":%d}\n%b' % (kind.encode(), len(text), text)
    return made


def stored(found: list[tuple[str, Picking]]) -> dict[str, list[Any]]:
    made: dict[str, list[Any]] = {}
    for name, picking in found:
        records = json.loads(picking.payload)
        assert len(records) == picking.n
        made.setdefault(name, []).extend(records)
    return {name: records for name, records in made.items() if records}


def dropped(found: list[tuple[str, Picking]]) -> list[tuple[str, str]]:
    return [each for _, picking in found for each in picking.dropped]


RECORDED = {
    "python-2.75-event-exception.envelope": {"sentry.errors": 1},
    "python-1.14-store-exception.json": {"sentry.errors": 1},
    "python-2.75-transaction+span.envelope": {"sentry.transactions": 2, "sentry.spans": 1},
    "python-1.14-transaction.envelope": {"sentry.transactions": 2},
    "node-7.120-transaction.envelope": {"sentry.transactions": 3},
    "node-11.12-span.envelope": {"sentry.spans": 3},
    "python-2.75-log.envelope": {"sentry.logs": 7},
    "node-11.12-log.envelope": {"sentry.logs": 3},
    "node-11.12-event-message+attachment.envelope": {"sentry.errors": 1},
    "tunnel-event-message.envelope": {"sentry.errors": 1},
    "tunnel-session.envelope": {},
    "node-11.12-trace_metric.envelope": {},
}


@pytest.mark.parametrize("name", RECORDED)
def test_every_record_of_what_sdks_send_is_found(name: str) -> None:
    body = (FILES / name).read_bytes()
    found = pick_stored(body, "application/json") if name.endswith(".json") else pick(body)
    assert {name: len(records) for name, records in stored(found).items()} == RECORDED[name]


def test_what_the_stamp_says_is_the_events_own() -> None:
    name, picking = pick((FILES / "python-2.75-transaction+span.envelope").read_bytes())[0]
    assert (name, picking.environment, picking.release) == ("sentry.transactions", "staging", "shop@1.4.2")
    assert picking.named == "cfe195391a72410cb7ab661dc0305224"
    sent = {"message": "m", "tags": [["a", "b"], ["service", "shop"]], "environment": 5}
    ((_, of_event), _) = pick(envelope(("event", sent)))
    assert (of_event.service, of_event.environment, of_event.event_ids) == ("shop", "production", ("",))
    otel = {"contexts": {"otel": {"resource": {"service.name": "pay"}}}, "tags": {"service": "shop"}, "message": "m"}
    assert pick(envelope(("event", otel)))[0][1].service == "pay"
    found = pick(envelope(("span", {"items": [SPAN]}), ("event", sent)))
    assert [picking.service for name, picking in found if name != ITEMS] == ["shop", "shop"]


@pytest.mark.parametrize(
    ("header", "event", "named"),
    [
        (b'{"event_id":"%b"}' % ID.encode(), {"event_id": "f" * 32}, ID),
        (b"{}", {"event_id": "9EC79C33-EC99-42AB-8353-589FCB2E04DC"}, ID),
        (b'{"event_id":7}', {"event_id": "short"}, ""),
        (b'{"event_id":"\xff"}', {}, ""),
    ],
)
def test_an_events_id_is_the_headers_else_its_own(header: bytes, event: dict[str, Any], named: str) -> None:
    found = pick(envelope(("event", event | {"message": "m"}), header=header))
    assert found[0][1].event_ids == (named,)
    assert [picking.named for _, picking in found] == [named, named]


SDK = {"name": "sentry.javascript.node", "version": "11.12.0", "settings": {"infer_ip": "auto"}, "n": 10**30}


@pytest.mark.parametrize(
    ("header", "event", "extra"),
    [
        ({"sent_at": "2026-11-25T21:45:54.2Z", "sdk": SDK}, {}, {"sent_at": "2026-11-25T21:45:54.2Z", "sdk": SDK}),
        (
            {"sent_at": "2026-11-25T21:45:54.2Z", "sdk": SDK},
            {"sdk": {"name": "own"}},
            {"sent_at": "2026-11-25T21:45:54.2Z"},
        ),
        ({"sent_at": "yesterday", "sdk": [1]}, {"sdk": {}}, {}),
        ({"sent_at": 7, "dsn": "https://pk_1@example.com/1", "trace": {"public_key": "pk_1"}}, {}, {}),
    ],
)
def test_what_the_header_says_beside_the_event_goes_to_the_rows_extra(
    header: dict[str, Any], event: dict[str, Any], extra: dict[str, Any]
) -> None:
    sent = json.dumps(header).encode()
    (name, picking), _ = pick(envelope(("event", event | {"message": "m"}), header=sent))
    texts = {key: {"name": SDK["name"], "version": SDK["version"]} if key == "sdk" else extra[key] for key in extra}
    assert (name, json.loads(picking.extra or b"{}")) == ("sentry.errors", texts)


def test_a_bad_event_is_dropped_as_what_it_would_have_become() -> None:
    found = pick(envelope(("event", b"[]"), ("event", EVENT), ("session", b"{}")))
    bad = {name: picking.dropped for name, picking in found if picking.dropped}
    assert bad == {"sentry.errors": [("0", "not_an_object")], ITEMS: [("2", "item_session")]}


def test_a_transaction_and_its_spans_are_records_of_one_array_as_they_were_sent() -> None:
    raw = (
        b'{"spans":[{"trace_id":"%b","span_id":"%b","start_timestamp":1.50,"x":1e2},{"span_id":"1"}, 7],'
        b'"contexts":{"trace":{"trace_id":"%b","span_id":"%b"}},"start_timestamp":1.0,"transaction":"\\u00e9"}'
    ) % ((b"a" * 32, b"b" * 16) * 2)
    ((_, picking), _) = pick(envelope(("session", b"{}"), ("transaction", raw)))
    assert picking.n == 2
    assert b'"start_timestamp":1.50,"x":1e2' in picking.payload
    assert b'"transaction":"\\u00e9"' in picking.payload
    assert picking.dropped == [("1.1", "invalid_id"), ("1.2", "not_an_object")]


def test_spans_of_a_transaction_without_ids_are_kept() -> None:
    found = pick(envelope(("transaction", {"spans": [SPAN], "start_timestamp": 1})))
    assert stored(found) == {"sentry.transactions": [SPAN]}
    assert dropped(found) == [("0", "invalid_id")]


def test_a_containers_records_are_judged_one_by_one() -> None:
    spans: list[Any] = [SPAN, SPAN | {"name": ""}, {"name": "a", "start_timestamp": 1}, [], SPAN | {"x": "y" * 512_000}]
    logs: list[Any] = [{"timestamp": 1, "body": {"a": 1}}, {"timestamp": 1}, {"body": "b"}, None]
    old = IDS | {"start_timestamp": 1, "timestamp": 2, "op": "db"}
    found = pick(envelope(("span", {"items": spans}), ("log", {"items": logs}), ("span", old), ("log", b"nonsense")))
    assert stored(found) == {"sentry.spans": [SPAN, old], "sentry.logs": [logs[0]]}
    assert dropped(found) == [
        ("0.1", "missing_name"),
        ("0.2", "invalid_id"),
        ("0.3", "not_an_object"),
        ("0.4", "too_large"),
        ("1.1", "missing_body"),
        ("1.2", "missing_timestamp"),
        ("1.3", "not_an_object"),
        ("3.0", "not_an_object"),
    ]


def test_only_beside_an_event_is_a_container_stored_under_the_headers_id() -> None:
    header, containers = b'{"event_id":"%b"}' % ID.encode(), [("span", SPAN), ("log", {"timestamp": 1, "body": "b"})]
    alone, with_event = (
        pick(envelope(*containers, header=header)),
        pick(envelope(("event", EVENT), *containers, header=header)),
    )
    assert [picking.named for _, picking in alone] == ["", "", ID]
    assert [picking.named for _, picking in with_event] == [ID] * 4


def test_items_that_are_not_stored_are_dropped_by_name() -> None:
    found = pick(envelope(("replay_video", b"\0"), ("event", EVENT), ("otel_log", b"{}"), ("unknown", b"{}")))
    assert dropped(found) == [("0", "item_replay_video"), ("2", "item_unknown"), ("3", "item_unknown")]
    assert stored(found) == {"sentry.errors": [{"message": "hello"}]}


@pytest.mark.parametrize(
    ("kind", "payload", "sentence"),
    [
        ("event", b"nonsense", "Invalid event: it is no JSON object"),
        ("event", b'{"message":"m"},{"message":"n"}', "Invalid event: it is no JSON object"),
        ("event", {"level": "error", "exception": None}, "Invalid event: it has neither"),
        ("transaction", {"start_timestamp": 1}, "Invalid transaction: contexts.trace"),
        ("transaction", {"contexts": {"trace": IDS}}, "Invalid transaction: it has no start_timestamp"),
        ("transaction", b"[]", "Invalid transaction: it is no JSON object"),
    ],
)
def test_a_bad_event_is_refused_when_it_is_all_there_is_to_store(kind: str, payload: Any, sentence: str) -> None:
    with pytest.raises(BadRecord, match=sentence):
        pick(envelope((kind, payload), ("session", b"{}")))
    found = pick(envelope((kind, payload), ("event", EVENT)))
    assert stored(found) == {"sentry.errors": [{"message": "hello"}]}
    assert [place for place, _ in dropped(found)] == ["0"]


def test_numbers_that_json_has_not_and_odd_texts_are_taken() -> None:
    found = pick(envelope(("event", b'{"message":"a\xff\\ud800","extra":{"x":NaN,"y":[-Infinity]},"t":"NaN"}')))
    assert stored(found)["sentry.errors"] == [
        {"message": "a\ufffd\ufffd", "extra": {"x": "NaN", "y": ["-Infinity"]}, "t": "NaN"}
    ]


def test_what_is_too_large_or_too_much_is_too_many() -> None:
    for kind, payload in (
        ("event", {"message": "x" * 512_000}),
        ("transaction", {"contexts": {"trace": IDS}, "start_timestamp": 1, "x": "y" * 512_000}),
        ("log", {"items": [0] * (MOST + 1)}),
        ("transaction", {"spans": [0] * MOST}),
    ):
        with pytest.raises(TooMany):
            pick(envelope((kind, payload)))
    assert len(pick(envelope(*[("event", EVENT)] * MOST_EVENTS))) == MOST_EVENTS + 1
    with pytest.raises(TooMany):
        pick(envelope(*[("event", EVENT)] * (MOST_EVENTS + 1)))


def test_reports_are_counted_by_known_words() -> None:
    entries = [
        {"reason": "network_error", "category": "error", "quantity": 3},
        {"reason": "network_error", "category": "error", "quantity": 2},
        {"reason": "made up", "category": ["x"], "quantity": 1},
        {"reason": "before_send", "category": "span", "quantity": -1},
        {"reason": "before_send", "category": "span", "quantity": 1e9},
    ]
    found = pick(envelope(("client_report", {"discarded_events": entries}), ("client_report", b"?")))
    assert found == [(ITEMS, Picking(b"[]", 0, reasons={"network_error error": 5, "other other": 1}))]


PACKED = zlib.compress(EVENT)
CUT = tuple(map(base64.b64encode, (PACKED[:-4], PACKED + b"more")))


def test_a_stored_event_may_be_packed_as_raven_packs_it() -> None:
    for body in (EVENT, b"\xef\xbb\xbf \n" + EVENT, base64.b64encode(EVENT), base64.b64encode(zlib.compress(EVENT))):
        assert stored(pick_stored(body, "application/octet-stream")) == {"sentry.errors": [{"message": "hello"}]}
    sent = envelope(("log", {"items": [{"timestamp": 1, "body": "b"}]}))
    assert "sentry.logs" in stored(pick_stored(sent, "application/x-sentry-envelope"))
    for body in (b"", b"[]", b"%%%", base64.b64encode(b"text"), base64.b64encode(zlib.compress(b"[]")), *CUT):
        with pytest.raises(Malformed):
            pick_stored(body, "")
    with pytest.raises(TooMany):
        pick_stored(base64.b64encode(zlib.compress(b"{" + b" " * 20_000_000)), "")


def test_the_answer_names_the_event() -> None:
    assert reply(Outcome(1, named=ID)) == (200, b'{"id":"%b"}' % ID.encode())
    assert reply(Outcome(1, event_ids=["019aa000-0000-7000-8000-000000000000"]))[1] == (
        b'{"id":"019aa000000070008000000000000000"}'
    )
    assert reply(Outcome(0, 1)) == (200, b"{}")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.sampled_from(["a" * 32, "b" * 16]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "items",
                    "spans",
                    "contexts",
                    "trace",
                    "trace_id",
                    "span_id",
                    "message",
                    "tags",
                    "type",
                    "body",
                    "name",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
KINDS = st.sampled_from(["event", "transaction", "span", "log", "client_report", "session", "?"])


@given(st.lists(st.tuples(KINDS, VALUES), max_size=4))
def test_whatever_an_item_holds_is_picked_or_refused(items: list[tuple[str, Any]]) -> None:
    try:
        found = pick(envelope(*items))
    except BadRecord:
        return
    stored(found)
    assert found[-1][0] == ITEMS
