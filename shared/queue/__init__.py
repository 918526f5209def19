"""The queue. `open_queue` makes the one that a URL names; its code is imported only then."""

from pathlib import Path

from shared.queue.base import Queue

SQLITE, KAFKA = "sqlite:///", "kafka://"


def open_queue(
    url: str,
    *,
    session_timeout_s: float = 10.0,
    publish_timeout_s: float = 10.0,
    in_flight_bytes: int = 64_000_000,
    max_message_bytes: int = 1_048_576,
    max_bytes: int = 10_000_000_000,
    receive_bytes: int = 8_000_000,
) -> Queue:
    """The queue at `sqlite:///relative/queue.db`, `sqlite:////absolute/queue.db` or `kafka://host:port[,host:port]`.

    Nothing is opened yet. `session_timeout_s`: after so long a silent consumer loses its lanes; `in_flight_bytes`: what
    one producer holds before it refuses; `max_message_bytes` concerns Kafka, `max_bytes` (size of the file) SQLite;
    `receive_bytes`: about what one receive of a consumer brings.

    Raises:
        ValueError: no such kind of queue; the text names the forms that there are.
    """
    if url.startswith(SQLITE):
        from shared.queue.sqlite import Limits, SqliteQueue

        limits = Limits(
            size_bytes=max_bytes,
            in_flight_bytes=in_flight_bytes,
            publish_timeout_s=publish_timeout_s,
            session_timeout_s=session_timeout_s,
            receive_bytes=receive_bytes,
        )
        return SqliteQueue(Path(url.removeprefix(SQLITE)), limits)
    if url.startswith(KAFKA):
        from shared.queue.kafka import KafkaOptions, KafkaQueue

        options = KafkaOptions(
            max_message_bytes=max_message_bytes,
            max_in_flight_bytes=in_flight_bytes,
            publish_timeout_s=publish_timeout_s,
            session_timeout_s=session_timeout_s,
            heartbeat_s=min(1.0, session_timeout_s / 3),
            max_receive_bytes=receive_bytes,
        )
        return KafkaQueue(url, options)
    raise ValueError(f"queue {url!r}: write sqlite:///path/queue.db or kafka://host:port[,host:port]")
