"""Cut and flipped bytes of recorded OTLP bodies, and messages with odd values in their fields: whatever the gateway
accepts, the writer makes rows of; all else is 400 or 413."""

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest

from shared.formats.otlp.schema import FULL, Message
from tests.fuzz.in_process import KNOWN, InProcess
from tests.fuzz.mixes import maimed
from tests.fuzz.requests import Answer, Request

FILES = Path(__file__).parents[1] / "fixtures" / "otlp"
BODIES = {
    str(file.relative_to(FILES)): file.read_bytes()
    for pattern in ("*.pb", "*.bin", "*.json")
    for file in sorted(FILES.rglob(pattern))
    if ".request." not in file.name and ".response." not in file.name
}
ROUTES = {"/v1/logs": "Logs", "/v1/traces": "Traces"}
GOOD = {
    "trace_id": [bytes(range(16))],
    "span_id": [bytes(range(8))],
    "start_time_unix_nano": [1_795_643_000_123_456_789],
    "name": [b"exception", b""],
    "key": [
        *(b"exception.type", b"exception.message", b"exception.stacktrace", b"gen_ai.operation.name"),
        *(b"gen_ai.request.model", b"gen_ai.system", b"llm.token_count.prompt", b"gen_ai.usage.cost", b"user.id"),
    ],
    "string_value": [b"chat", b"12", b"-5", b"nan"],
}
"""Without the first three a span is rejected; the others make it an error or a call to a model too."""

KEY = (b"x-api-key", KNOWN.ingest.encode())


@pytest.fixture(scope="module")
def in_process() -> Iterator[InProcess]:
    made = InProcess()
    yield made
    made.close()


def of_traces(name: str) -> bool:
    return any(word in name for word in ("traces", "spans", "genai", "nested-exception", "integration"))


def route_of(name: str) -> str:
    return "/v1/traces" if of_traces(name) else "/v1/logs"


def rejected(answer: Answer) -> int:
    """How many records a success says were rejected."""
    if answer.header("content-type") == "application/json":
        partial = json.loads(answer.body).get("partialSuccess", {})
        return int(partial.get("rejectedSpans", partial.get("rejectedLogRecords", 0)))
    return int(FULL["Response"].FromString(answer.body).partial_success.rejected)


def check(in_process: InProcess, route: str, body: bytes, is_json: bool, records: int | None = None) -> None:
    """`records`: how many there are, where that is known."""
    content_type = b"application/json" if is_json else b"application/x-protobuf"
    request = Request(route, "POST", route.encode(), [KEY, (b"content-type", content_type)], body)
    answer = in_process.ask(request)
    assert answer.status in (200, 400, 413), request
    assert answer.header("content-type") == content_type.decode()
    rows = sum(block.rows for table, block in in_process.rows() if table.name in ("logs", "spans"))
    if answer.status != 200:
        assert rows == 0
        return
    if records is not None:
        assert rows + rejected(answer) == records, request


@pytest.mark.parametrize("name", BODIES)
def test_cut_and_flipped_bytes_are_refused_or_become_rows(in_process: InProcess, name: str) -> None:
    random = Random(name)
    others = list(BODIES.values())
    check(in_process, route_of(name), BODIES[name], name.endswith(".json"))
    for _ in range(60):
        body = maimed(BODIES[name] or b"\n\0", random, random.choice(others))
        check(
            in_process, random.choice([route_of(name), *ROUTES]), body, name.endswith(".json") ^ (random.random() < 0.1)
        )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("route", ROUTES)
def test_messages_with_odd_values_are_counted_record_by_record(in_process: InProcess, route: str, seed: int) -> None:
    random = Random(seed)
    for _ in range(40):
        request = FULL[ROUTES[route]]()
        fill(request, random, 0)
        records = sum(len(scope.records) for resource in request.resources for scope in resource.scopes)
        check(in_process, route, request.SerializeToString(), is_json=False, records=records)


@pytest.mark.parametrize("name", [name for name in BODIES if name.endswith(".json")])
def test_json_with_odd_values_is_refused_or_becomes_rows(in_process: InProcess, name: str) -> None:
    random = Random(name)
    for _ in range(150):
        value = json.loads(BODIES[name])
        for _ in range(random.choice((1, 1, 1, 3))):
            value = changed(value, random)
        check(in_process, route_of(name), json.dumps(value).encode(), is_json=True)


def changed(value: Any, random: Random) -> Any:
    """A JSON value with another one somewhere in it."""
    if isinstance(value, (dict, list)) and value and random.random() < 0.95:
        key = random.choice(list(value)) if isinstance(value, dict) else random.randrange(len(value))
        value[key] = changed(value[key], random)
        return value
    return deepcopy(random.choice(ODD))


ODD: Sequence[Any] = (
    *(None, True, 0, -1, 2**63, -(2**64), 10**30, 0.5, -1e300, 1e18, "", "-", "x", "-5", "9" * 20, "9" * 21, "1e5"),
    *("\0", "\ud800", "NaN", "SPAN_KIND_SERVER", "a" * 700, [], {}, [{}], [5], {"values": 5}),
    {"stringValue": 5},
    {"intValue": "x"},
    {"kvlistValue": {"values": [5, {"key": 5}]}},
)


def fill(message: Message, random: Random, depth: int) -> None:
    """Set fields of a message, nearly any to nearly anything."""
    for field in message.DESCRIPTOR.fields:
        if random.random() < (0.25 if depth < 3 or field.containing_oneof else 0.5):
            continue
        held: Any = getattr(message, field.name)
        if field.message_type is None:
            if field.is_repeated:
                held.append(odd(field.type, random))
            else:
                good = GOOD.get(field.name) if random.random() < 0.8 else None
                setattr(message, field.name, random.choice(good) if good else odd(field.type, random))
        elif depth < 12:
            held.SetInParent() if not field.is_repeated else None
            for _ in range(random.choice((0, 1, 1, 3)) if field.is_repeated else 1):
                fill(held.add() if field.is_repeated else held, random, depth + 1)


def odd(kind: int, random: Random) -> Any:
    """A value of a protobuf type, by its number."""
    if kind == 12:  # bytes
        return random.choice(
            [b"", b"a", b"\0", b"\xff\xfe", bytes(16), bytes(range(16)), bytes(range(8)), b"x" * 600, "é€😀".encode()]
        )
    if kind == 1:  # double
        return random.choice([0.0, -0.0, 0.1, 1e308, float("nan"), float("inf"), float("-inf")])
    if kind == 8:  # bool
        return random.random() < 0.5
    if kind in (6, 4):  # fixed64, uint64
        return random.choice([0, 1, 1_795_643_000_123_456_789, 2**63, 2**64 - 1])
    if kind == 3:  # int64
        return random.choice([0, -1, 2**63 - 1, -(2**63)])
    if kind == 5:  # int32
        return random.choice([-(2**31), -1, 0, 1, 2, 9, 24, 25, 2**31 - 1])
    return random.choice([0, 1, 0xFF, 0x100, 2**32 - 1])  # fixed32, uint32
