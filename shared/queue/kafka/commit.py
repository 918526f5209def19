"""The fenced commit (delivery.md, "The fenced commit").

aiokafka's own `commit()` tries again by itself, with the generation of that moment: a commit that was held up by a
rebalance then rewinds what the new owner has committed. Here a commit carries the generation and member id under which
its messages were read, and is sent once. Kafka checks both, so a late one can only be refused.
"""

import asyncio
from typing import Any, Protocol

from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.api import Request, Response
from aiokafka.protocol.commit import OffsetCommitRequest

from shared.queue.base import Epoch, Fenced, Lane, Position, QueueError, QueueUnavailable

ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS, FENCED_INSTANCE_ID = 22, 25, 27, 82
FENCED = frozenset({ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS, FENCED_INSTANCE_ID})
"""The epoch is over, nothing was stored.

REBALANCE_IN_PROGRESS belongs here: it means that our generation waits for its assignment, but an epoch has one, so the
coordinator has lost the assignment under which we read. While a rebalance only gathers members Kafka takes commits of
the old generation, and rightly: nobody else owns its lanes yet.
"""

COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, REQUEST_TIMED_OUT = 15, 16, 7
MOVED = frozenset({COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, REQUEST_TIMED_OUT})
"""Perhaps another broker is the coordinator now."""

OFFSET_METADATA_TOO_LARGE, INVALID_COMMIT_OFFSET_SIZE = 12, 28
HOPELESS = frozenset({OFFSET_METADATA_TOO_LARGE, INVALID_COMMIT_OFFSET_SIZE})
"""The same commit will never be taken."""


class Coordinator(Protocol):
    """What a commit needs of a membership."""

    async def send(self, request: Request[Any]) -> Response: ...

    def look_up_coordinator(self) -> None: ...

    def join_again(self, generation: int, member_id: str) -> None: ...


async def commit_once(
    coordinator: Coordinator, group: str, lane: Lane, position: Position, epoch: Epoch, *, timeout_s: float
) -> None:
    """Send one commit under `epoch`, once.

    Raises:
        Fenced: Kafka no longer knows the epoch; nothing was stored, and the group is joined again.
        QueueUnavailable: no answer within `timeout_s` seconds, or the coordinator is moving: stored perhaps.
        QueueError: the metadata is larger than the brokers' `offset.metadata.max.bytes`.
    """
    request = OffsetCommitRequest(
        group,
        epoch.generation,
        epoch.member,
        OffsetCommitRequest.DEFAULT_RETENTION_TIME,
        [(lane.topic, [(lane.partition, position.offset, position.metadata)])],
    )
    try:
        async with asyncio.timeout(timeout_s):
            response = await coordinator.send(request)
    except TimeoutError as error:
        coordinator.look_up_coordinator()
        raise QueueUnavailable(f"{lane}: no answer to a commit within {timeout_s:g} s") from error
    except KafkaError as error:
        raise QueueUnavailable(f"{lane}: a commit could not be sent: {error}") from error
    code: int = response.topics[0][1][0][1]
    if code:
        _refuse(coordinator, lane, epoch, code)


def _refuse(coordinator: Coordinator, lane: Lane, epoch: Epoch, code: int) -> None:
    reason = f"{lane}: Kafka refused a commit under {epoch}: {for_code(code).__name__} ({code})"
    if code in FENCED:
        coordinator.join_again(epoch.generation, epoch.member)
        raise Fenced(reason)
    if code in HOPELESS:
        raise QueueError(reason)
    if code in MOVED:
        coordinator.look_up_coordinator()
    raise QueueUnavailable(reason)
