"""What both encodings of OTLP do with whole payloads (contracts.md, "OTLP")."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from shared.envelope import Stamp, Undecodable
from shared.formats.base import Rows
from shared.formats.otlp import logs, protobuf
from shared.formats.otlp.attributes import Pair
from shared.formats.otlp.codec import MOST_GROUPS, Head
from shared.formats.otlp.known import VALUES, Key, KnownPairs
from shared.formats.otlp.protobuf import Protobuf
from shared.formats.otlp.schema import CUT, FULL
from shared.formats.values import limit_text
from shared.signals.logs import LOGS
from tests.unit.shared.formats.otlp.fixtures import body, codec_of

GOOD = {
    "python-logs.pb": 4,
    "node-logs.json": 2,
    "node-logs.pb": 2,
    "python-traces.pb": 3,
    "node-traces.json": 2,
    "node-traces.pb": 2,
    "python-nested-exception.pb": 3,
    "genai-traceloop-openai.pb": 3,
    "genai-openinference-openai.pb": 3,
    "sentry-sdk-otlp-integration.pb": 1,
    "edge/empty.pb": 0,
    "edge/invalid-utf8-body.pb": 1,
    "edge/attribute-kinds.pb": 1,
    "edge/severities.pb": 8,
    "edge/spans-good-and-bad.pb": 8,
    "edge/logs.json": 3,
    "edge/logs-snake-case.json": 0,
}
BAD = ["edge/truncated.pb", "edge/text.bin", "edge/nested-too-deep.pb", "edge/logs-attributes-object.json"]


@pytest.mark.parametrize(("name", "n"), GOOD.items())
def test_gateway_and_writer_find_the_same_records(name: str, n: int) -> None:
    codec, payload = codec_of(name), body(name)
    assert len(list(codec.look(payload))) == len(codec.read(memoryview(payload))) == len(codec.sizes(payload)) == n


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_otlp_is_undecodable_before_it_is_published(name: str) -> None:
    with pytest.raises(Undecodable):
        list(codec_of(name).look(body(name)))


@pytest.mark.parametrize("name", [name for name, n in GOOD.items() if n > 1])
@pytest.mark.parametrize("room", [1, 600, 100_000])
def test_parts_fit_and_hold_every_record_once_in_order(name: str, room: int) -> None:
    codec, payload = codec_of(name), body(name)
    records, parts = codec.read(payload), list(codec.cut(payload, room))
    assert [record for part, _ in parts for record in codec.read(part)] == records
    assert [len(codec.read(part)) for part, _ in parts] == [n for _, n in parts]
    assert all(len(part) <= room or n == 1 for part, n in parts)
    sizes = codec.sizes(payload)
    alone = [codec.keep(payload, [index]) for index in range(len(records))]
    assert [codec.read(each) for each in alone] == [[record] for record in records]
    assert all(len(each) <= size for each, size in zip(alone, sizes, strict=True)), "a size is enough for it alone"


@pytest.mark.parametrize("name", ["python-logs.pb", "node-traces.json", "edge/spans-good-and-bad.pb"])
def test_what_is_kept_is_what_was_asked_for(name: str) -> None:
    codec, payload = codec_of(name), body(name)
    records = codec.read(payload)
    assert codec.read(codec.keep(payload, [])) == []
    assert codec.read(codec.keep(payload, range(len(records)))) == records
    assert codec.read(codec.keep(payload, range(0, len(records), 2))) == records[::2]


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_records_of_several_resources_stay_with_their_own(encoding: str) -> None:
    codec, payload = several(encoding)
    parts = [codec.read(part) for part, _ in codec.cut(payload, 700)]
    assert 1 < len(parts) < 12
    assert [(log.source.service, log.source.scope_name, log.body) for part in parts for log in part] == [
        (f"service {a}", f"scope {b}", f"{a}{b}{c}") for a in range(3) for b in range(2) for c in range(2)
    ]
    left_out = codec.read(codec.keep(payload, [1, 4, 11]))
    assert [log.body for log in left_out] == ["001", "100", "211"]


def several(encoding: str) -> tuple[Any, bytes]:
    """3 resources with 2 scopes each, with 2 logs each; one resource and one scope without any."""
    if encoding == "json":
        named = [{"key": "service.name", "value": {"stringValue": "service {}"}}]
        resources = [
            {
                "resource": {"attributes": json.loads(json.dumps(named).replace("{}", str(a)))},
                "scopeLogs": [
                    {
                        "scope": {"name": f"scope {b}"},
                        "logRecords": [{"body": {"stringValue": f"{a}{b}{c}"}} for c in range(2)],
                    }
                    for b in range(2)
                ]
                + [{"scope": {}}],
            }
            for a in range(3)
        ]
        return codec_of(".json"), json.dumps({"resourceLogs": [*resources, {}]}).encode()
    request = FULL["Logs"]()
    for a in range(3):
        resource = request.resources.add()
        resource.resource.attributes.add(key=b"service.name").value.string_value = b"service %d" % a
        for b in range(2):
            scope = resource.scopes.add()
            scope.scope.name = b"scope %d" % b
            for c in range(2):
                scope.records.add().body.string_value = b"%d%d%d" % (a, b, c)
        resource.scopes.add()
    request.resources.add()
    return codec_of(".pb"), request.SerializeToString()


SCOPES = 300


def under_one_resource(encoding: str, records: int = 1) -> tuple[Any, bytes]:
    """Many scopes under a large resource, with empty logs."""
    name, url = "n" * 100_000, "u" * 100_000
    if encoding == "json":
        named = {"key": "service.name", "value": {"stringValue": name}}
        scopes = [{"logRecords": [{}] * records}] * SCOPES
        resource = {"resource": {"attributes": [named]}, "schemaUrl": url, "scopeLogs": scopes}
        return logs.JSON, json.dumps({"resourceLogs": [resource]}).encode()
    request = FULL["Logs"]()
    made = request.resources.add(schema_url=url.encode())
    made.resource.attributes.add(key=b"service.name").value.string_value = name.encode()
    for _ in range(SCOPES):
        made.scopes.add(records=[FULL["LogRecord"]()] * records)
    return logs.PROTOBUF, request.SerializeToString()


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_what_a_resource_says_is_in_memory_once_and_noted_once(encoding: str) -> None:
    fmt, payload = under_one_resource(encoding, records=2)
    read = fmt.codec.read(payload)
    assert len({id(log.source) for log in read}) == SCOPES
    assert len({(id(log.source.service), id(log.source.resource)) for log in read}) == 1
    rows = Rows()
    rows.add(Stamp(v=1, format=fmt.name, project_id="p", received_at=10**15, retention_days=30, n=len(read)), read)
    columns = dict(fmt.columns(rows))
    limit_text(LOGS, columns, rows)
    assert len({id(text) for text in columns["resource"]}) == 1, "what is left of it too"
    assert {row: set(notes) for row, notes in rows.notes.items()} == {0: {"service", "resource", "schema_url"}}


def test_a_size_copies_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(Head, "size", property(lambda head: asked.append(head) or 1))
    fmt, payload = under_one_resource("json", records=3)
    assert len(fmt.codec.sizes(payload)) == len(asked) // 2 * 3 == SCOPES * 3


def test_a_value_that_comes_often_takes_the_room_of_one() -> None:
    key = Key("method")

    def decode(known: KnownPairs, new: Sequence[bytes]) -> list[Pair]:
        for each in new:
            known.remember(key, each, ("method", each))
        return [("method", each) for each in new]

    KnownPairs(bytes.decode, decode).all([b"GET"] * 200)
    assert key.room == VALUES - 1


def test_a_large_body_is_decoded_record_by_record_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = Protobuf("Traces")
    payload = body("python-traces.pb")
    whole = [record.SerializeToString() for record in codec.look(payload)]
    monkeypatch.setattr(protobuf, "IN_ONE_GO", 10)
    assert [record.SerializeToString() for record in codec.look(payload)] == whole
    request = CUT["Traces"]()
    request.resources.add().scopes.add().records.extend([b"", b"\x00"])
    with pytest.raises(Undecodable):
        list(codec.look(request.SerializeToString()))


def test_a_payload_of_many_empty_resources_is_refused() -> None:
    with pytest.raises(Undecodable, match="10000 resources"):
        Protobuf("Logs").look(b"\n\0" * (MOST_GROUPS + 1))


def test_unknown_fields_pass() -> None:
    log = CUT["LogRecord"](severity_number=9).SerializeToString() + b"\xa2\x06\x03new"
    request = CUT["Logs"]()
    request.resources.add().scopes.add(records=[log])
    codec, payload = Protobuf("Logs"), request.SerializeToString()
    assert len(list(codec.look(payload))) == 1
    assert b"\xa2\x06\x03new" in codec.keep(payload, [0])


def test_attributes_that_were_met_before_are_the_same_as_new_ones() -> None:
    codec, payload = Protobuf("Logs"), body("edge/attribute-kinds.pb")
    assert codec.read(payload) == codec.read(payload) == Protobuf("Logs").read(payload)


@pytest.mark.parametrize("name", ["node-traces.pb", "node-traces.json"])
def test_people_read_attributes_as_an_object(name: str) -> None:
    span, _ = codec_of(name).plain(body(name))
    assert span["events"][0]["attributes"] == {"a": 1}
    assert span["links"][0]["attributes"] == {"why": "x"}
    assert json.loads(json.dumps(span)) == span
