"""Structured logs: JSON lines on standard error, or coloured ones for a terminal. Secrets never get here: callers log
ids, counts and reasons, not requests."""

import logging
import sys

import structlog

from shared.log_floods import OncePerSecond

LOUD_LIBRARIES = ("aiokafka", "clickhouse_driver")
"""They log dozens of lines a second while their server is away; our own code logs that once, with its meaning."""


def configure(level: str = "INFO", *, strangers: bool = False) -> None:
    """Set up logging for this process; the libraries' logs go through it too.

    `strangers`: anybody may cause lines, so that each kind of line is written once a second at most (`OncePerSecond`).
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    if strangers:
        handler.addFilter(OncePerSecond())
    for name in LOUD_LIBRARIES:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
