"""Opening either queue by its URL, in tests and in the processes that tests start."""

from shared.queue.base import Queue

SQLITE, KAFKA = "sqlite:///", "kafka://"
SESSION_S = {SQLITE: 1.5, KAFKA: 6.0}  # Kafka's brokers accept no shorter one


def engine(url: str) -> str:
    return SQLITE if url.startswith(SQLITE) else KAFKA


def open_queue(url: str) -> Queue:
    if engine(url) == SQLITE:
        from shared.queue.sqlite import Limits, SqliteQueue

        return SqliteQueue(url.removeprefix(SQLITE), Limits(session_timeout_s=SESSION_S[SQLITE]))
    from shared.queue.kafka import KafkaOptions, KafkaQueue

    return KafkaQueue(url, KafkaOptions(session_timeout_s=SESSION_S[KAFKA]))
