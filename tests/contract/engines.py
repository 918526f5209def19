"""Opening either queue by its URL, in tests and in the processes that tests start."""

from dataclasses import replace
from typing import Any

from shared.queue.base import Queue
from shared.queue.kafka import KafkaOptions, KafkaQueue, options_of
from shared.queue.sqlite import Limits, SqliteQueue, limits_of
from shared.settings import Settings

SQLITE, KAFKA = "sqlite:///", "kafka://"
SESSION_S = {SQLITE: 1.5, KAFKA: 6.0}  # Kafka's brokers accept no shorter one


def engine(url: str) -> str:
    return SQLITE if url.startswith(SQLITE) else KAFKA


def sqlite_limits(**changes: Any) -> Limits:
    """Limits as the settings' defaults have them, with a session for tests."""
    return replace(limits_of(Settings()), **{"session_timeout_s": SESSION_S[SQLITE], **changes})


def kafka_options(**changes: Any) -> KafkaOptions:
    """Options as the settings' defaults have them, with a session for tests."""
    return replace(options_of(Settings()), **{"session_timeout_s": SESSION_S[KAFKA], **changes})


def open_queue(url: str) -> Queue:
    if engine(url) == SQLITE:
        return SqliteQueue(url.removeprefix(SQLITE), sqlite_limits())
    return KafkaQueue(url, kafka_options())
