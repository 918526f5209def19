"""Bodies of OTLP through the gateway's checks, and the answers (contracts.md, "OTLP")."""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from gateway import apis
from gateway.ingest import outcome_of
from gateway.rejections import (
    NotFound,
    RateLimited,
    Rejection,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unreadable,
    UnsupportedEncoding,
)
from gateway.validation.checks import Checks
from gateway.validation.parts import Part
from gateway.validation.sizes import FAST_BYTES, SLOW_BYTES, Heavy
from shared.formats import vercel_drain
from shared.formats.otlp import logs, metrics, traces
from shared.formats.otlp.json_text import MARGIN
from shared.formats.otlp.limits import MOST
from shared.formats.otlp.schema import CUT, FULL
from shared.registry import load
from tests.unit.gateway.validation.test_checks import HOLD_S, held_s
from tests.unit.shared.formats.otlp.fixtures import body, codec_of

APIS = apis.load()
OTLP = APIS.of(logs.INTAKE)
REGISTRY = load()
PROTOBUF, JSON = b"application/x-protobuf", b"application/json"


class Answered(NamedTuple):
    status: int
    body: bytes
    parts: list[Part] = []  # noqa: RUF012


def post(sent: bytes, content_type: bytes = b"", path: str = "logs", *, patient: bool = True) -> Answered:
    """The answer to a body, with no queue behind it."""
    intake = {"logs": logs, "traces": traces, "metrics": metrics, "drain": vercel_drain}[path].INTAKE
    try:
        checks = Checks(intake, REGISTRY, APIS.of(intake), patient=patient)
        parts = checks.parts(checks.opened(sent, content_type))
    except Rejection as rejection:
        answer = OTLP.dialect(content_type, sent).answer(rejection)
        return Answered(answer.status, answer.body)
    return Answered(*intake.reply(outcome_of(parts)), parts)


@pytest.mark.parametrize(
    ("name", "path", "n"),
    [
        ("python-logs.pb", "logs", 4),
        ("node-logs.pb", "logs", 2),
        ("node-logs.json", "logs", 2),
        ("python-traces.pb", "traces", 3),
        ("node-traces.pb", "traces", 2),
        ("node-traces.json", "traces", 2),
        ("edge/empty.pb", "logs", 0),
        ("edge/empty.pb", "traces", 0),
        ("edge/invalid-utf8-body.pb", "logs", 1),
        ("edge/logs.json", "logs", 3),
        ("edge/logs-snake-case.json", "logs", 0),
    ],
)
def test_good_bodies_pass_as_they_came(name: str, path: str, n: int) -> None:
    sent = body(name)
    is_json = name.endswith("json")
    other = b"Application/JSON; charset=utf-8" if is_json else b"text/plain"
    for content_type in (JSON if is_json else PROTOBUF, other):
        answer = post(sent, content_type, path)
        if sent or content_type != b"text/plain":
            assert answer[:2] == (200, b"{}" if is_json else b"")
        assert [(part.n, part.payload) for part in answer.parts if not part.is_derived] == [(n, sent)]


@pytest.mark.parametrize("name", ["edge/truncated.pb", "edge/text.bin", "edge/nested-too-deep.pb"])
def test_what_is_no_otlp_is_refused_in_protobuf(name: str) -> None:
    assert post(body(name), PROTOBUF)[:2] == (400, body("edge/status.response.pb"))


def test_what_is_no_otlp_is_refused_in_json() -> None:
    refusal = b'{"code":3,"message":"Malformed OTLP in request body"}'
    for sent in (body("edge/logs-attributes-object.json"), b"{", b'{"resourceLogs":[{"scopeLogs":5}]}', b"[" * 100_000):
        assert post(sent, JSON)[:2] == (400, refusal)
    timed = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"noon"}]}]}]}'
    assert post(timed, JSON)[:2] == (400, refusal)


def test_bad_spans_are_rejected_and_the_others_taken() -> None:
    name = "edge/spans-good-and-bad.pb"
    answer = post(body(name), PROTOBUF, "traces")
    assert answer[:2] == (200, body("edge/partial-success-traces.response.pb"))
    (part,) = answer.parts
    assert (part.n, part.reasons) == (4, {"invalid_id": 3, "missing_start_time": 1})
    codec = codec_of(name)
    faults = map(traces.judge, codec.look(body(name)))
    good = [span for span, fault in zip(codec.read(body(name)), faults, strict=True) if not fault]
    assert codec.read(part.payload) == good


def test_the_same_in_json() -> None:
    good = {"traceId": "0a" * 16, "spanId": "0B" * 8, "startTimeUnixNano": "1"}
    bad = [{"traceId": "x", "spanId": "y", "startTimeUnixNano": "1"}] * 3 + [good | {"startTimeUnixNano": "0"}]
    sent = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [good, *bad]}]}]})
    answer = post(sent.encode(), JSON, "traces")
    assert answer[:2] == (200, body("edge/partial-success-traces.response.json"))
    assert [len(codec_of("traces.json").read(part.payload)) for part in answer.parts] == [1]


def test_logs_at_the_route_of_traces_are_rejected() -> None:
    answer = post(body("node-logs.pb"), PROTOBUF, "traces")
    assert answer.status == 200
    response = FULL["Response"].FromString(answer.body)
    assert response.partial_success.rejected == 2
    assert [part.n for part in answer.parts] == [0]


def test_a_record_that_is_too_large_is_rejected_alone() -> None:
    request = FULL["Logs"]()
    records = request.resources.add().scopes.add().records
    for text in (b"before", b"x" * 512_000, b"after"):
        records.add().body.string_value = text
    answer = post(request.SerializeToString(), PROTOBUF)
    response = FULL["Response"].FromString(answer.body)
    assert response.partial_success.error_message == b"1 log record over 512 kB"
    assert [log.body for log in codec_of("").read(answer.parts[0].payload)] == ["before", "after"]
    assert answer.parts[0].told == ["1:too_large"]


def test_more_records_than_anybody_sends_are_refused() -> None:
    request = CUT["Logs"]()
    request.resources.add().scopes.add().records.extend([b""] * (MOST + 1))
    assert post(request.SerializeToString(), PROTOBUF).status == 413


def test_many_small_messages_are_not_decoded_on_the_event_loop() -> None:
    request = CUT["Logs"]()
    request.resources.add().scopes.add().records.extend([b""] * 50_000)
    with pytest.raises(Heavy):
        post(request.SerializeToString(), PROTOBUF, patient=False)
    usual = FULL["Logs"]()
    usual.resources.add().scopes.extend(FULL["Logs"].FromString(body("python-logs.pb")).resources[0].scopes)
    for _ in range(5):
        usual.resources[0].scopes.extend(list(usual.resources[0].scopes))
    assert len(usual.SerializeToString()) > 20_000
    assert post(usual.SerializeToString(), PROTOBUF, patient=False).status == 200


def _held_by(tag: int, *contents: bytes) -> bytes:
    """A field of protobuf with all this in it."""
    content = b"".join(contents)
    size, head = len(content), bytearray([tag])
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    return bytes([*head, size]) + content


def _in_records(*contents: bytes) -> bytes:
    return _held_by(0x0A, _held_by(0x12, _held_by(0x12, *contents)))


MARKED = FULL["KeyValue"](key=b"exception.type").SerializeToString()
SPAN = FULL["Span"](trace_id=b"t" * 16, span_id=b"s" * 8, start_time_unix_nano=1).SerializeToString()
ONES = b"1," * 120_000 + b"1"
IN_METRIC = b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[%b]}}]}]}]}'
IN_LOG = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"exception.","attributes":[%b]}]}]}]}'
THROWN = FULL["Event"](name=b"exception", attributes=[FULL["KeyValue"](key=b"exception.type")]).SerializeToString()

HOSTILE = {
    "attributes": ("logs", PROTOBUF, _in_records(_held_by(0x32, MARKED), b"\x32\0" * 120_000)),
    "some attributes": ("logs", PROTOBUF, _in_records(_held_by(0x32, MARKED), b"\x32\0" * 3_900)),
    "values": ("logs", PROTOBUF, _in_records(_held_by(0x32, MARKED), _held_by(0x32, b"\x12\0" * 120_000))),
    "longer tags": ("logs", PROTOBUF, _in_records(_held_by(0x32, MARKED), b"\xb2\0\0" * 80_000)),
    "events": ("traces", PROTOBUF, _in_records(SPAN, _held_by(0x4A, MARKED), b"\x5a\0" * 120_000)),
    "exceptions": ("traces", PROTOBUF, _in_records(SPAN, b"\x5a\0" * 90_000, _held_by(0x5A, THROWN) * 450)),
    "of a large span": (
        "traces",
        PROTOBUF,
        _in_records(SPAN, _held_by(0x4A, b"x" * 200_000), _held_by(0x5A, THROWN) * 450),
    ),
    "lone surrogates": ("logs", JSON, IN_LOG % (b'"' + b"\\ud83d" * 41_000 + b'"')),
    "ones": ("logs", JSON, IN_LOG % ONES),
    "points": ("metrics", JSON, IN_METRIC % ONES),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_no_body_holds_the_event_loop(what: str) -> None:
    path, content_type, sent = HOSTILE[what]
    intake = {"logs": logs, "traces": traces, "metrics": metrics}[path].INTAKE
    assert len(sent) < FAST_BYTES
    checks = Checks(intake, REGISTRY, APIS.of(intake))
    held = min(held_s(checks, sent, content_type) for _ in range(3))
    assert held < HOLD_S, f"{what}: {held * 1000:.0f} ms"


@pytest.mark.parametrize(
    ("rejection", "status", "code"),
    [
        (Unauthenticated(), 401, 16),
        (NotFound(), 404, 5),
        (TooLarge(), 413, 8),
        (UnsupportedEncoding(), 415, 3),
        (RateLimited(5), 429, 8),
        (Unavailable(), 503, 14),
        (Unreadable("packed"), 400, 3),
    ],
)
def test_refusals_are_a_status_in_the_requests_encoding(rejection: Rejection, status: int, code: int) -> None:
    api = OTLP.dialect(PROTOBUF, b"")
    answer = api.answer(rejection)
    assert (answer.status, FULL["Refusal"].FromString(answer.body).code) == (status, code)
    assert (api.media_type, api.content_type) == ("application/x-protobuf", (b"content-type", PROTOBUF))
    in_json = OTLP.dialect(b"", b"")
    assert in_json.media_type == "application/json"
    assert in_json.answer(rejection).body.startswith(b'{"code":%d,"message":"' % code)
    assert APIS.of_path("/v1/nowhere").name == "otlp"


def test_metrics_are_counted_and_rejected() -> None:
    answer = post(body("python-metrics.pb"), PROTOBUF, "metrics")
    partial = FULL["Response"].FromString(answer.body).partial_success
    assert (answer.status, partial.rejected) == (200, 1)
    assert partial.error_message == b"metrics are not stored here: set OTEL_METRICS_EXPORTER=none"
    assert [(part.n, part.dropped) for part in answer.parts] == [(0, [(0, "metrics_unsupported")])]
    gauge = {"name": "m", "gauge": {"dataPoints": [{}, {}]}, "sum": None}
    in_json = post(
        json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [gauge]}]}]}).encode(), JSON, "metrics"
    )
    assert json.loads(in_json.body)["partialSuccess"]["rejectedDataPoints"] == "2"
    assert post(b"", PROTOBUF, "metrics")[:2] == (200, b"")
    assert post(b"{}", JSON, "metrics")[:2] == (200, b"{}")
    assert post(b"hello world", PROTOBUF, "metrics").status == post(b"[]", JSON, "metrics").status == 400


@pytest.mark.parametrize(
    ("name", "content_type", "signal", "n"),
    [
        ("node-traces.json", JSON, "traces", 2),
        ("node-traces.json", b"", "traces", 2),
        ("python-traces.pb", PROTOBUF, "traces", 3),
        ("edge/logs.json", JSON, "logs", 3),
    ],
)
def test_a_drain_of_traces_sends_otlp(name: str, content_type: bytes, signal: str, n: int) -> None:
    answer = post(body(name), content_type, "drain")
    assert answer[:2] == (200, b'{"ok":true,"count":%d}' % n)
    (part,) = [part for part in answer.parts if not part.is_derived]
    assert (part.format.signal, part.n) == (signal, n)


def test_an_entry_of_a_drain_that_speaks_of_otlp_is_an_entry() -> None:
    answer = post(b'{"message":"{\\"resourceSpans\\":1}","source":"lambda"}', JSON, "drain")
    assert [part.format.name for part in answer.parts] == ["vercel.drain"]


@pytest.mark.parametrize("text", ["cut \\ud83d", "cut \\ud83d more", "\\udc00 x"])
def test_lone_surrogates_and_a_byte_order_mark_pass_as_on_other_routes(text: str) -> None:
    sent = f'{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"{text}"}}}}]}}]}}]}}'
    (part,) = post(sent.encode(), JSON, patient=False).parts
    (log,) = part.format.codec.read(part.payload)
    assert log.body == text.replace("\\ud83d", "\ufffd").replace("\\udc00", "\ufffd")
    for content_type in (JSON, b""):
        assert post(b"\xef\xbb\xbf" + sent.replace(text, "x").encode(), content_type).status == 200
    large = sent.replace(text, text + "x" * SLOW_BYTES).encode()
    with pytest.raises(Heavy):
        post(large, JSON, patient=False)
    assert post(large, JSON).status == 200
    assert post(sent.encode()[:-1], JSON).status == 400


def _deeper(frames: int, payload: Any, read: Callable[[Any], Any]) -> Any:
    return _deeper(frames - 1, payload, read) if frames else read(payload)


@pytest.fixture
def usual_depth() -> Iterator[None]:
    """Of Python's stack, whatever tests before this one made of it."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("usual_depth")
@pytest.mark.parametrize("name", ["arrayValue", "kvlistValue", "unknown"])
def test_json_that_passes_is_not_too_deep_for_a_writer_with_a_deeper_stack(name: str) -> None:
    statuses = set()
    begin, end = (b'{"values":[{"key":"k","value":', b"}]}") if name == "kvlistValue" else (b'{"values":[', b"]}")
    for levels in range(150, 340, 3):
        value = b'{"%b":%b' % (name.encode(), begin) * levels + b'{"intValue":1}' + (end + b"}") * levels
        answer = post(IN_LOG % (b'{"key":"k","value":%b}],"body":%b,"x":[1' % (value, value)), JSON)
        statuses.add(answer.status)
        for part in answer.parts:
            (log,) = _deeper(MARGIN - 20, part.payload, part.format.codec.read)
            assert "k" in log.attributes
    assert statuses == {200, 400}


def test_a_large_batch_of_json_is_checked_on_the_event_loop() -> None:
    attributes = [{"key": f"key.{n}", "value": {"intValue": n}} for n in range(10)]
    records = [{"body": {"stringValue": "x" * 100}, "attributes": attributes}] * 200
    sent = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()
    assert SLOW_BYTES * 5 < len(sent) < FAST_BYTES
    assert post(sent, JSON, patient=False).parts[0].n == 200


def test_a_value_that_can_not_be_read_is_null_under_its_key() -> None:
    (part,) = post(IN_LOG % b'{"key":"k","value":{"doubleValue":1e400}},{"key":"l","value":{"intValue":1}}', JSON).parts
    (log,) = part.format.codec.read(part.payload)
    assert log.attributes.values == {"k": None, "l": 1}


def test_severities_by_name_are_their_numbers() -> None:
    names = {"SEVERITY_NUMBER_ERROR": 17, "SEVERITY_NUMBER_ERROR2": 18, "SEVERITY_NUMBER_FATAL4": 24, "INFO": 9}
    names |= {"SEVERITY_NUMBER_UNSPECIFIED": 0, "SEVERITY_NUMBER_TRACE": 1, "odd": 0}
    records = [{"severityNumber": name} for name in names]
    (part,) = post(json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode(), JSON).parts
    assert [log.severity_number for log in part.format.codec.read(part.payload)] == list(names.values())


def test_kinds_by_name_are_read_as_vercel_documents_them() -> None:
    span = {"traceId": "0a" * 16, "spanId": "0b" * 8, "startTimeUnixNano": "1", "kind": "server"}
    other = span | {"kind": "SPAN_KIND_CLIENT", "status": {"code": "STATUS_CODE_ERROR"}}
    sent = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span, other, span | {"kind": "odd"}]}]}]})
    (part,) = post(sent.encode(), JSON, "traces").parts
    read = part.format.codec.read(part.payload)
    assert [(each.kind, each.status) for each in read] == [(2, 0), (3, 2), (0, 0)]
