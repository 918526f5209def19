"""The queue. `open_queue` makes the one that the settings name; its code is imported only then."""

from pathlib import Path

from shared.queue.base import Queue
from shared.secret import text_of
from shared.settings import BadSetting, Settings

SQLITE, KAFKA = "sqlite:///", "kafka://"


def is_kafka(settings: Settings) -> bool:
    """Whether `open_queue` makes that; asks without loading its client."""
    return text_of(settings.services.queue_url).startswith(KAFKA)


def open_queue(settings: Settings) -> Queue:
    """The queue at `sqlite:///relative/queue.db`, `sqlite:////absolute/queue.db` or `kafka://host:port[,host:port]`.

    Nothing is opened yet.

    Raises:
        BadSetting: no such kind of queue, or settings of it that can't work.
    """
    url = text_of(settings.services.queue_url)
    if url.startswith(SQLITE):
        from shared.queue.sqlite import SqliteQueue, limits_of

        return SqliteQueue(Path(url.removeprefix(SQLITE)), limits_of(settings))
    if url.startswith(KAFKA):
        from shared.queue.kafka import KafkaQueue, options_of

        return KafkaQueue(url, options_of(settings))
    raise BadSetting("SLUICE_QUEUE_URL: write sqlite:///path/queue.db or kafka://host:port[,host:port]")
