"""What the event loop checks and what a process aside checks is the same, and the loop never checks for long."""

import json
import time
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rejections import Rejection
from gateway.validation import aside
from gateway.validation.aside import Done, Task
from gateway.validation.aside_child import Checker
from gateway.validation.checks import Checks, key_in
from gateway.validation.sizes import FAST_BYTES, SLOW_BYTES, Heavy
from shared.formats.intake import Intake
from tests.bodies import bodies
from tests.examples import examples
from tests.validating import APIS, JSON_INTAKES, REGISTRY, Door

INTAKES = pytest.mark.parametrize("intake", JSON_INTAKES, ids=lambda intake: intake.name)
CHECKER = Checker(None)

LOG = {"level": "info", "message": "m"}
HOLD_S = 0.05
"""How much of its processor a check may take on the event loop."""

many = examples(40)


def checks_of(intake: Intake, *, patient: bool = False) -> Checks:
    return Checks(intake, REGISTRY, APIS.of(intake), patient=patient)


def checked(checks: Checks, intake: Intake, body: bytes) -> Any:
    """The parts, or the answer to a refusal."""
    try:
        return [
            msgspec.structs.asdict(part) | {"payload": bytes(part.payload)}
            for part in checks.parts(checks.opened(body))
        ]
    except Rejection as rejection:
        return rejection.reason, APIS.of(intake).answer(rejection)


def checked_aside(intake: Intake, body: bytes) -> Any:
    """The same, as it comes from the process aside."""
    task = Task(intake.route, "parts", b"", len(body))
    done = msgspec.msgpack.decode(msgspec.msgpack.encode(CHECKER.done(task, body)), type=Done)
    if done.answer is not None:
        return done.reason, done.answer
    parts = [aside._part(part, REGISTRY.formats[part.format]) for part in done.parts]
    return [msgspec.structs.asdict(part) for part in parts]


def plain(made: Any) -> Any:
    """Without the difference between a tuple and a list."""
    return json.loads(json.dumps(made, default=repr))


@INTAKES
def test_both_say_the_same_of_every_body(intake: Intake) -> None:
    inline, patient = checks_of(intake), checks_of(intake, patient=True)

    @many
    @given(bodies(Door(intake)) | st.binary(max_size=50))
    def check(body: bytes) -> None:
        expected = plain(checked(patient, intake, body))
        assert plain(checked_aside(intake, body)) == expected
        try:
            assert plain(checked(inline, intake, body)) == expected
        except Heavy:
            assert len(body) > SLOW_BYTES

    check()


@INTAKES
def test_both_find_the_same_key(intake: Intake) -> None:
    inline = checks_of(intake)

    @many
    @given(bodies(Door(intake)))
    def check(body: bytes) -> None:
        def found() -> Any:
            try:
                return key_in(inline.opened(body)), ""
            except Rejection as rejection:
                return None, rejection.reason

        done = CHECKER.done(Task(intake.route, "key", b"", len(body)), body)
        assert (done.key, done.reason) == found()

    check()


HOSTILE: dict[str, bytes] = {
    "escapes": b'{"logs":[{"level":"info","message":"' + b"\\n" * 9_000_000,
    "lone surrogates": b'{"logs":[{"level":"info","message":"' + b"\\ud800" * 3_000_000 + b'"}]}',
    "some lone surrogates": b'{"logs":[{"level":"info","message":"' + b"\\ud800" * (FAST_BYTES // 6 - 20) + b'"}]}',
    "lines of x": b"x\n" * 1_000_000,
    "some lines of x": b"x\n" * (FAST_BYTES // 2),
    "lines of objects": b"{}\n" * 1_000_000,
    "some lines of objects": b"{}\n" * (FAST_BYTES // 3),
    "ones": b"[" + b"1," * 2_000_000 + b"1]",
    "some ones": b"[" + b"1," * (FAST_BYTES // 2 - 2) + b"1]",
    "logs of ones": b'{"logs":[' + b"1," * (FAST_BYTES // 2 - 20) + b"1]}",
    "objects": b"[" + b"{}," * (FAST_BYTES // 3 - 2) + b"{}]",
    "a million keys": b'{"unknown":{' + b",".join(b'"%d":1' % n for n in range(1_000_000)) + b'},"logs":5}',
    "some keys": b"{" + b",".join(b'"%d":1' % n for n in range(25_000)) + b"}",
    "floats": b'{"logs":[{"level":"info","message":5,"metadata":{"a":[' + b"1.5," * 4_000_000 + b"1]}}]}",
    "brackets": b"[" * 20_000_000,
    "some brackets": b"[" * FAST_BYTES,
    "pairs of brackets": b"[]" * (FAST_BYTES // 2),
    "texts of brackets": b'{"logs":["' + b"[" * (FAST_BYTES - 100) + b'"]}',
    "wrong logs": json.dumps({"logs": [{"level": 5, "message": 5, "timestamp": "t", "metadata": []}] * 1_000}).encode(),
    "errors": b"[" + b",".join([b'{"message":"' + b"\\ud800" * 300 + b'"}'] * 100) + b"]",
    "digits": b'{"logs":[{"level":"info","message":' + b"1" * (FAST_BYTES - 100) + b"}]}",
    "not UTF-8": b'{"logs":[{"level":"info","message":"' + b"\xff" * (FAST_BYTES - 100) + b'"}]}',
}


@pytest.mark.parametrize("what", HOSTILE)
@INTAKES
def test_no_body_holds_the_event_loop(intake: Intake, what: str) -> None:
    """Measured in the processor's time of this thread: how busy the machine is makes no difference."""
    checks, body = checks_of(intake), HOSTILE[what]
    held = min(held_s(checks, body) for _ in range(3)) if (first := held_s(checks, body)) > HOLD_S else first
    assert held < HOLD_S, f"{what}: {held * 1000:.0f} ms"


def held_s(checks: Checks, body: bytes, content_type: bytes = b"") -> float:
    started = time.thread_time()
    with suppress(Rejection, Heavy):
        bodies = checks.opened(body, content_type)
        key_in(bodies)
        checks.parts(bodies)
    return time.thread_time() - started


@INTAKES
def test_what_clients_really_send_is_checked_on_the_event_loop(intake: Intake) -> None:
    for example in intake.examples.values():
        for body in (json.dumps(example).encode(), json.dumps(example, indent=8).encode()):
            checks = checks_of(intake)
            assert checks.parts(checks.opened(body))


def test_a_full_batch_is_checked_on_the_event_loop() -> None:
    (intake,) = [each for each in REGISTRY.intakes if each.route == "/ingest/logs"]
    log = LOG | {"metadata": {"user": "u" * 100, "path": "/a/b/c"}}
    body = json.dumps({"service": "s", "logs": [log] * 1_000}).encode()
    assert SLOW_BYTES < len(body) < FAST_BYTES
    checks = checks_of(intake)
    (part,) = checks.parts(checks.opened(body))
    assert part.n == 1_000
