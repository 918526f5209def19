"""A flood of one kind of line is a line a second."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shared import logging_setup
from shared.log_floods import OncePerSecond


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines(clock: Clock) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logging_setup.configure(strangers=True)
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    handler.setStream(written)
    handler.filters[:] = [OncePerSecond(clock)]
    yield written
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def told(lines: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_our_own_lines_are_written_once_a_second_with_the_number_left_out(lines: io.StringIO, clock: Clock) -> None:
    log = structlog.get_logger("gateway.test")
    for n in range(1_000):
        log.warning("a body was too much to check", bytes=n)
    clock.now += 1
    log.warning("a body was too much to check", bytes=7)
    assert [(line["bytes"], line.get("left_out")) for line in told(lines)] == [(0, None), (7, 999)]


def test_lines_of_libraries_are_of_a_kind_whatever_is_filled_in(lines: io.StringIO, clock: Clock) -> None:
    for name in ("uvicorn.error", "asyncio"):
        for n in range(100):
            logging.getLogger(name).warning("connection %d is strange", n)
    clock.now += 2
    logging.getLogger("asyncio").warning("connection %d is strange", 5)
    assert [line["event"] for line in told(lines)] == [
        "connection 0 is strange",
        "connection 0 is strange",
        "connection 5 is strange (left out before: 99)",
    ]


def test_a_traceback_of_the_first_one_is_kept(lines: io.StringIO) -> None:
    for _ in range(50):
        try:
            raise ValueError("why")
        except ValueError:
            structlog.get_logger("gateway.ingest").exception("unexpected error")
    (line,) = told(lines)
    assert "ValueError: why" in str(line["exception"])


def test_other_lines_are_not_held_back(lines: io.StringIO) -> None:
    log = structlog.get_logger("gateway.test")
    for n in range(20):
        log.info(f"kind {n}")
        log.error("kind 0")
    assert len(told(lines)) == 21
