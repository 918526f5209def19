"""Events over the limit by what is said beside each call (sentry-rows.md, "Long stacks")."""

import json
from typing import Any

import msgspec
import pytest

from shared.formats.intake import TooMany
from shared.formats.sentry.picking import MAX_RECORD_BYTES, pick
from shared.formats.sentry.shortened import LARGEST, WHOLE, shortened
from tests.unit.shared.formats.sentry.table import error_of
from tests.unit.shared.formats.sentry.test_picking import envelope


def frame(n: int, more: int = 300) -> dict[str, Any]:
    beside = {"vars": {"n": "v" * more}, "pre_context": ["a" * 100] * 2, "post_context": ["b" * 100]}
    return {"function": f"f{n}", "filename": "/srv/shop.py", "lineno": n, "context_line": "f(n - 1)"} | beside


def event_of(frames: int, more: int = 300) -> dict[str, Any]:
    value = {
        "type": "RecursionError",
        "value": "too deep",
        "stacktrace": {"frames": [frame(n, more) for n in range(frames)]},
    }
    return {"platform": "python", "exception": {"values": [{"type": "KeyError"}, value]}, "level": "error"}


def test_a_long_stack_is_stored_with_all_calls_and_the_same_text() -> None:
    event = event_of(1_000)
    sent = json.dumps(event).encode()
    assert MAX_RECORD_BYTES < len(sent) < LARGEST
    (_, picking), *_ = pick(envelope(("event", sent)))
    (stored,) = json.loads(picking.payload)
    frames = stored["exception"]["values"][1]["stacktrace"]["frames"]
    assert [each["lineno"] for each in frames] == list(range(1_000))
    assert [n for n, each in enumerate(frames) if "vars" in each] == [*range(WHOLE), *range(1_000 - WHOLE, 1_000)]
    assert json.loads(picking.extra) == {"shortened_from": len(sent)}
    ours, whole = error_of(stored), error_of(event)
    assert (ours["stack_trace"], ours["fingerprint"]) == (whole["stack_trace"], whole["fingerprint"])


def test_an_event_of_usual_size_stays_as_it_was_sent() -> None:
    sent = json.dumps(event_of(100)).encode()
    (_, picking), *_ = pick(envelope(("event", sent)))
    assert (picking.payload, picking.extra) == (b"[%b]" % sent, b"")


@pytest.mark.parametrize(
    "event",
    [event_of(1_000, 900), event_of(40, 15_000), {"message": "x" * 600_000}, {"exception": [0] * 300_000}],
    ids=["over a mebibyte", "at its ends", "a message", "no stack"],
)
def test_what_is_still_too_large_is_refused(event: Any) -> None:
    with pytest.raises(TooMany):
        pick(envelope(("event", event)))


@pytest.mark.parametrize(
    "exception",
    [b"5", b"[]", b'{"values":{"values":[]}}', b'{"values":[5,{"stacktrace":[]},{"stacktrace":{"frames":{}}}]}'],
)
def test_odd_stacks_stay_as_they_are(exception: bytes) -> None:
    sent = msgspec.Raw(b'{"exception":%b,"threads":%b}' % (exception, exception))
    assert json.loads(bytes(shortened(sent))) == json.loads(bytes(sent))


def test_every_way_to_send_a_stack_is_shortened() -> None:
    value = event_of(200)["exception"]["values"][1]
    for event in ({"exception": value}, {"exception": [value]}, {"threads": {"values": [value]}}):
        made = bytes(shortened(msgspec.Raw(json.dumps(event).encode())))
        assert made.count(b"pre_context") == 2 * WHOLE
