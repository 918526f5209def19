"""Structured logs on standard error: JSON lines, or coloured ones for a terminal. Secrets never get here: callers log
ids, counts and reasons, not requests."""

import logging
import signal
import sys
from threading import Timer

import structlog

from shared.log_floods import OncePerSecond

LOUD_LIBRARIES = ("aiokafka", "clickhouse_driver")
"""They log dozens of lines a second while their server is away; our own code logs that once, with its meaning."""

OURS = ("gateway", "writer", "shared")
"""Loggers that can go into detail. Libraries can't: what they say at level debug may hold what a client sent."""

DETAIL_S = 600.0
"""How long `SIGUSR1` makes a process log at level debug, unless a second one ends it."""


def configure(level: str = "info", form: str = "auto", *, strangers: bool = False) -> None:
    """Set up logging for this process; the libraries' logs go through it too. `level`, `form`: as in
    `shared.log_settings`.

    `strangers`: anybody may cause lines, so that each kind of line is written once a second at most (`OncePerSecond`).
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_FACTS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(form))
    if strangers:
        handler.addFilter(OncePerSecond())
    for name in LOUD_LIBRARIES:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel("INFO" if level == "debug" else level.upper())
    set_level(level)


def set_level(level: str) -> None:
    """The least severe lines of our own that are logged from now on."""
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())


class Detail:
    """Makes this process log at level debug for a while when a `SIGUSR1` comes, and as before when the next one
    comes."""

    def __init__(self, usual: str) -> None:
        self._usual = usual
        self._timer: Timer | None = None

    def listen(self) -> None:
        """From the main thread."""
        signal.signal(signal.SIGUSR1, lambda number, frame: self.toggle())

    def toggle(self) -> None:
        if self._timer is not None:
            self.end()
            return
        set_level("debug")
        self._timer = Timer(DETAIL_S, self.end)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        set_level(self._usual)


_FACTS: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _formatter(form: str) -> logging.Formatter:
    for_people = form == "console" or (form == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if for_people else structlog.processors.JSONRenderer()
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_FACTS,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            renderer,
        ],
    )
