"""Levels and formats of the log."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shared import logging_setup, settings
from shared.logging_setup import OURS, Detail
from shared.settings import BadSetting


@pytest.fixture
def lines(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What a process of these settings logs."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logging_setup.configure(*request.param)
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    handler.setStream(written)
    yield written
    root.handlers[:], root.level = handlers, level
    for name in OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


def say() -> None:
    for name in ("gateway.test", "writer.test", "uvicorn.test"):
        for level in ("debug", "info", "warning", "error"):
            getattr(structlog.get_logger(name), level)("said")


def said(lines: io.StringIO) -> list[tuple[str, str]]:
    found = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [(line["logger"].split(".")[0], line["level"]) for line in found]


@pytest.mark.parametrize(
    ("lines", "levels", "of_libraries"),
    [
        (("debug", "json"), ["debug", "info", "warning", "error"], ["info", "warning", "error"]),
        (("info", "json"), ["info", "warning", "error"], ["info", "warning", "error"]),
        (("error", "json"), ["error"], ["error"]),
    ],
    indirect=["lines"],
)
def test_libraries_never_go_into_detail(lines: io.StringIO, levels: list[str], of_libraries: list[str]) -> None:
    say()
    found = said(lines)
    assert [level for name, level in found if name == "gateway"] == levels
    assert [level for name, level in found if name == "writer"] == levels
    assert [level for name, level in found if name == "uvicorn"] == of_libraries


@pytest.mark.parametrize("lines", [("info", "console")], indirect=True)
def test_for_people_a_line_is_no_json(lines: io.StringIO) -> None:
    structlog.get_logger("gateway.test").info("gateway listens", port=8080)
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(lines.getvalue())
    assert "gateway listens" in lines.getvalue()


@pytest.mark.parametrize("lines", [("warning", "json")], indirect=True)
def test_a_signal_goes_into_detail_for_a_while_and_the_next_one_ends_it(lines: io.StringIO) -> None:
    detail = Detail("warning")
    for _ in range(2):
        detail.toggle()
        structlog.get_logger("gateway.test").debug("said")
        detail.toggle()
        structlog.get_logger("gateway.test").info("not said")
    assert said(lines) == [("gateway", "debug")] * 2
    detail.toggle()
    detail.end()  # what its timer calls
    detail.end()
    structlog.get_logger("gateway.test").info("not said")
    assert len(said(lines)) == 2


@pytest.mark.parametrize("name", ["LEVEL", "FORMAT"])
def test_what_is_no_level_and_no_format_is_refused(name: str) -> None:
    with pytest.raises(BadSetting, match=f"SLUICE_LOG_{name}"):
        settings.load({f"SLUICE_LOG_{name}": "loud"})
