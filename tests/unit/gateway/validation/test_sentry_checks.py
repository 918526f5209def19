"""Which bodies of Sentry's SDKs are checked on the event loop, and which aside (sentry.md, "Envelopes")."""

import base64
import zlib
from typing import Any

import msgspec
import pytest

from gateway import apis
from gateway.rejections import Unreadable
from gateway.validation.checks import Checks
from gateway.validation.sizes import Heavy
from shared.formats.sentry.intakes import ENVELOPE, STORE
from shared.registry import load

API = apis.load().of(ENVELOPE)
OF_ENVELOPES, OF_STORED = (Checks(intake, load(), API) for intake in (ENVELOPE, STORE))
EVENT = b'{}\n{"type":"event"}\n{"message":"m",%b}'
SPAN = b'{}\n{"type":"span"}\n{"trace_id":"%b","span_id":"%b","start_timestamp":%%b}' % (b"a" * 32, b"b" * 16)


def stored(checks: Checks, body: bytes) -> dict[str, int]:
    return {part.format.name: part.n for part in checks.parts(checks.opened(body)) if part.n}


def logs(n: int, **fields: Any) -> bytes:
    attributes = {f"shop.attribute.{index}": {"value": index, "type": "integer"} for index in range(11)}
    log = {"timestamp": 1.5, "level": "info", "body": "b", "trace_id": "a" * 32, "attributes": attributes, **fields}
    return b'{}\n{"type":"log"}\n' + msgspec.json.encode({"items": [log] * n})


def many(value: bytes, n: int) -> bytes:
    return b",".join([value] * n)


def test_a_container_as_sdks_send_it_is_no_work_for_the_process_aside() -> None:
    """Flat records look deep together: each has an object for each of its attributes."""
    assert stored(OF_ENVELOPES, logs(195)) == {"sentry.logs": 195}


def test_each_record_is_held_to_the_depth_by_itself() -> None:
    deep = msgspec.Raw(b"[" * 600 + b"]" * 600)
    with pytest.raises(Unreadable):
        stored(OF_ENVELOPES, logs(1, more=deep))
    with pytest.raises(Heavy):
        stored(OF_ENVELOPES, logs(2, body="x" * 20_000, more=deep))


@pytest.mark.parametrize(
    "body",
    [
        b'{}\n{"type":"log"}\n{"items":[%b]}' % many(b"1", 8_200),
        EVENT % (b'"tags":[%b]' % many(b'["",1]', 30_000)),
        EVENT % many(b'"a" :1', 30_000),
        EVENT % (b'"x":"%b"' % (rb"\uD83D" * 1_000 + b" " * 16_000)),
        SPAN % (b"[%b]" % many(b"1.5", 50_000)),
        SPAN % (b'1,"name":"n","attributes":{"gen_ai.system":1,%b}' % many(b'"a" :1', 30_000)),
    ],
)
def test_what_would_hold_the_event_loop_is_checked_aside(body: bytes) -> None:
    assert 16_000 < len(body) < 256_000
    with pytest.raises(Heavy):
        stored(OF_ENVELOPES, body)


def test_a_packed_event_is_weighed_by_what_it_holds() -> None:
    def packed(event: bytes) -> bytes:
        return base64.b64encode(zlib.compress(event, 9))

    large = packed(b'{"message":"m",%b}' % many(b'"a":1', 80_000))
    assert len(large) < 2_000
    with pytest.raises(Heavy):
        stored(OF_STORED, large)
    patient = Checks(STORE, load(), API, patient=True)
    assert stored(patient, large) == stored(OF_STORED, packed(b'{"message":"m"}')) == {"sentry.errors": 1}
