"""The JSON of an error (events.md, "Reading an event")."""

import json
from typing import Any

import pytest

from gateway.mapping.answers import NO_RELEASE
from gateway.query.events.answer import answer
from gateway.query.events.chain import unmapped
from gateway.query.events.columns import COLUMNS, KEYS
from gateway.query.events.search import event_of
from shared.signals.errors import SIGNAL

DEFAULTS = {column.name: column.default for column in SIGNAL.table.columns}
LEFT_OUT = {"project_id", "retention_days"}


def answered(**row: Any) -> dict[str, Any]:
    event = event_of("p", DEFAULTS | row)
    made: dict[str, Any] = json.loads(b"".join(answer(event, unmapped(event.chain))))
    return made


def frames(**row: Any) -> list[tuple[Any, ...]]:
    return [
        (error["type"], *(f"{frame['function']}@{frame['file']}:{frame['line']}" for frame in error["frames"]))
        for error in answered(**row)["errors"]
    ]


def test_every_stored_column_is_in_the_answer() -> None:
    assert set(COLUMNS) | LEFT_OUT == set(DEFAULTS)
    assert list(answered()) == [*KEYS, "place", "language", "errors"]


def test_what_was_not_sent_is_null_or_empty() -> None:
    made = answered()
    assert (made["trace_id"], made["user"], made["fingerprint_parts"], made["extra"]) == (None, None, None, None)
    assert (made["attributes"], made["breadcrumbs"], made["handled"], made["error_message"]) == ({}, [], False, "")


def test_columns_are_written_as_they_are_read_elsewhere() -> None:
    made = answered(
        timestamp=1_736_937_000_123_000,
        handled=1,
        attributes='{"a":1e400,"b":"ü"}',
        fingerprint_parts='["v2",["E"],[],null,"r"]',
        breadcrumbs='[{"type":"http"}]',
        _topic="errors",
        _partition=3,
        _offset=17,
        _index=2,
    )
    assert made["timestamp"] == "2025-01-15T10:30:00.123Z"
    assert (made["handled"], made["attributes"]) == (True, {"a": None, "b": "ü"})
    assert (made["fingerprint_parts"][0], made["breadcrumbs"]) == ("v2", [{"type": "http"}])
    assert made["place"] == {"topic": "errors", "partition": 3, "offset": 17, "index": 2}


def test_the_chain_begins_with_the_error_that_was_caught_and_its_innermost_frame() -> None:
    stack = (
        'Traceback (most recent call last):\n  File "/srv/a.py", line 3, in load\nKeyError: 1\n\n'
        "The above exception was the direct cause of the following exception:\n\n"
        'Traceback (most recent call last):\n  File "/srv/c.py", line 9, in main\n  File "/srv/b.py", line 7, in run\n'
        "ValueError: no"
    )
    assert frames(stack_trace=stack) == [
        ("ValueError", "run@/srv/b.py:7", "main@/srv/c.py:9"),
        ("KeyError", "load@/srv/a.py:3"),
    ]
    assert answered(stack_trace=stack)["language"] == "python"


def test_a_frame_says_whether_it_is_the_applications_own_and_why() -> None:
    stack = (
        "TypeError: x\n    at f (/srv/app/src/a.js:1:2)\n    at g (/srv/app/node_modules/x/i.js:3:4)\n"
        "    at h (/srv/app/node_modules/@sentry/node/i.js:5:6)\n    at node:internal/x:7:8"
    )
    (error,) = answered(stack_trace=stack)["errors"]
    assert [(frame["in_app"], frame["why"]) for frame in error["frames"]] == [
        (True, "own file"),
        (False, "dependency"),
        (False, "passed over"),
        (False, "runtime"),
    ]


def test_an_error_without_header_has_the_stored_type_and_message() -> None:
    (error,) = answered(stack_trace="total@https://x.example/a.js:1:77", type="TypeError", error_message="no")["errors"]
    assert (error["type"], error["message"]) == ("TypeError", "no")


@pytest.mark.parametrize("stack", ["", "no stack at all", "\0" * 1000, "cat " * 100_000, "{" * 300_000])
def test_a_stack_in_no_language_is_one_error_without_frames(stack: str) -> None:
    made = answered(stack_trace=stack, type="message", error_message="m")
    assert made["stack_trace"] == stack
    assert made["errors"][0]["frames"] == []
    assert made["errors"][0]["message"] == "m"


def test_frames_of_another_language_say_that_they_have_no_maps() -> None:
    stack = 'Traceback (most recent call last):\n  File "/srv/a.py", line 3, in load\nKeyError: 1'
    (error,) = answered(stack_trace=stack)["errors"]
    assert [frame["mapped"]["status"] for frame in error["frames"]] == ["not_javascript"]


def test_texts_that_are_no_utf_8_are_read_all_the_same() -> None:
    assert answered(error_message=b"\xff", stack_trace=b"\xff")["error_message"] == "\ufffd"


def test_the_reason_is_beside_the_status() -> None:
    event = event_of("p", DEFAULTS | {"stack_trace": "E: x\n    at f (/a.js:1:2)"})
    made = json.loads(b"".join(answer(event, [[NO_RELEASE]])))
    assert made["errors"][0]["frames"][0]["mapped"] == {"status": "no_release", "reason": NO_RELEASE.reason}
