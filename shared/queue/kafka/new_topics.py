"""Topics as they are made: how many copies, and what must be in sync (delivery.md, "Topics")."""

from collections.abc import Sequence

from aiokafka import errors
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import CreateTopicsRequest

from shared.queue.base import TopicSpec, UnfitTopic
from shared.queue.kafka.options import KafkaOptions

OF_THE_CLUSTER = -1
"""As many copies as the brokers' own `default.replication.factor`."""


async def create(client: AIOKafkaClient, brokers: int, specs: Sequence[TopicSpec], options: KafkaOptions) -> list[str]:
    """The names of those that this call made. `brokers`: how many are up. Raises `KafkaError`, `UnfitTopic`."""
    copies = copies_of(options.replication_factor, brokers)
    kept = configs_of(copies, options.min_in_sync)
    request = CreateTopicsRequest(
        [(spec.name, spec.partitions, copies, [], [*kept, *_configs(spec)]) for spec in specs],
        int(options.request_timeout_s * 1000),
        False,
    )
    controller = client.cluster.controller
    response = await client.send(client.get_random_node() if controller is None else controller.nodeId, request)
    created = []
    for name, code, *message in response.topic_errors:
        if code == errors.TopicAlreadyExistsError.errno:
            continue  # another process made it first
        if code:
            text = message[0] if message and message[0] else ""
            raise errors.for_code(code)(f"topic {name!r} was not made: {text}".rstrip(": "))
        created.append(name)
    return created


def copies_of(wanted: int, brokers: int) -> int:
    """`wanted`: the setting, 0 for as many as there are brokers, at most three."""
    return wanted or min(3, brokers)


def configs_of(copies: int, min_in_sync: int) -> list[tuple[str, str]]:
    """How copies are kept. `min_in_sync`: the setting, 0 for 2 of three copies and more. Raises `UnfitTopic`."""
    if min_in_sync > copies > 0:
        raise UnfitTopic(
            f"SLUICE_TOPICS_MIN_ISR={min_in_sync} is more than the {copies} copies that a new topic gets: nothing could"
            " be written to it; lower it, or raise SLUICE_KAFKA_REPLICATION_FACTOR"
        )
    least = min_in_sync or (2 if copies > 2 else 0)
    return [
        ("unclean.leader.election.enable", "false"),  # a copy that lags would lose what was acknowledged
        *([("min.insync.replicas", str(least))] if least else []),
    ]


def _configs(spec: TopicSpec) -> list[tuple[str, str]]:
    kept = ("cleanup.policy", "compact") if spec.compacted else ("retention.ms", str(spec.retention_ms))
    return [
        kept,
        ("max.message.bytes", str(spec.max_message_bytes)),
        # Replay goes by time, and that must not follow the clocks of gateways (delivery.md, "Topics").
        ("message.timestamp.type", "LogAppendTime"),
    ]
