"""The options of everything that talks to Kafka."""

from dataclasses import dataclass
from typing import Any

from shared.queue.kafka.security import KafkaSecurity, security_of
from shared.settings import BadSetting, Settings

SCHEME = "kafka://"


@dataclass(frozen=True, kw_only=True)
class KafkaOptions:
    """How Sluice uses Kafka. Times in seconds, sizes in bytes."""

    client_id: str
    """Shown in the brokers' logs, metrics and quotas."""
    security: KafkaSecurity
    client_rack: str
    """Where we run, or empty: brokers with a `replica.selector.class` have consumers read from a copy there."""

    request_timeout_s: float
    """How long one question to the cluster, or one try to connect, may take."""
    retry_s: float
    """The pause between two tries."""
    replication_factor: int
    """Of the topics that are made: 0 is one a broker, three at most; -1 the cluster's `default.replication.factor`."""
    min_in_sync: int
    """Copies of them without which nothing is written; 0 is two of three copies or more, else the cluster's own."""

    publish_timeout_s: float
    """How long a publish may wait for its acknowledgement before it ends as unavailable."""
    lost_after_s: float
    """A batch without an answer for so long: the connection is given up and recreated."""
    max_in_flight_bytes: int
    """What may wait for Kafka's acknowledgement at once; beyond it publishing is refused."""
    max_message_bytes: int
    """The largest message, its key and some 100 bytes around it included; not over any topic's `max.message.bytes`."""
    batch_bytes: int
    """A batch is sent when it is so large, before compression ..."""
    linger_s: float
    """... or so old."""

    session_timeout_s: float
    """A consumer without a heartbeat for so long loses its lanes to the others."""
    heartbeat_s: float
    """The time between heartbeats; also how soon a consumer learns of a rebalance."""
    max_poll_interval_s: float
    """A consumer that does not receive for so long leaves the group."""
    commit_timeout_s: float
    """How long one try to commit may take."""
    max_receive_bytes: int
    """`receive` stops adding messages beyond this."""


def options_of(settings: Settings) -> KafkaOptions:
    """The options that the settings give; what none of them names has its only value here."""
    session_s = settings.writer.session_timeout_s
    return KafkaOptions(
        client_id=settings.kafka.client_id,
        security=security_of(settings.kafka),
        client_rack=settings.kafka.client_rack,
        request_timeout_s=settings.kafka.request_timeout_s,
        retry_s=0.5,
        replication_factor=settings.kafka.replication_factor,
        min_in_sync=settings.topics.min_isr,
        publish_timeout_s=settings.gateway.publish_timeout_s,
        lost_after_s=30.0,
        max_in_flight_bytes=settings.gateway.in_flight_bytes,
        max_message_bytes=settings.topics.max_message_bytes,
        batch_bytes=1_000_000,
        linger_s=0.005,
        session_timeout_s=session_s,
        heartbeat_s=min(1.0, session_s / 3),
        max_poll_interval_s=60.0,
        commit_timeout_s=5.0,
        max_receive_bytes=settings.writer.receive_bytes,
    )


def addresses(bootstrap: str) -> str:
    """`kafka://one:9092,two:9092`, or the same without the scheme, as aiokafka wants it.

    Raises:
        BadSetting: there is no address in it.
    """
    found = bootstrap.removeprefix(SCHEME).strip().strip("/")
    if "@" in found:
        raise BadSetting("SLUICE_QUEUE_URL holds a user: set SLUICE_KAFKA_USERNAME and SLUICE_KAFKA_PASSWORD instead")
    if not found or "://" in found:
        raise BadSetting(f"SLUICE_QUEUE_URL={bootstrap!r}: write kafka://host:9092, several addresses with commas")
    return found


def client_arguments(bootstrap: str, options: KafkaOptions) -> dict[str, Any]:
    """The keyword arguments that all of aiokafka's clients share."""
    return {
        "bootstrap_servers": addresses(bootstrap),
        "client_id": options.client_id,
        "request_timeout_ms": int(options.request_timeout_s * 1000),
        "metadata_max_age_ms": 15_000,  # new partitions are found within that time
        **options.security.arguments(),
    }


def consumer_arguments(bootstrap: str, options: KafkaOptions) -> dict[str, Any]:
    """Those of a consumer, which commits nothing by itself, and gets no message of a transaction that was aborted."""
    return {
        **client_arguments(bootstrap, options),
        "client_rack": options.client_rack or None,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
    }
