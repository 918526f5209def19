"""One membership of a group: aiokafka's consumer, and what it keeps private.

This file and `closing.py` reach for private parts of aiokafka's consumer (pinned in constraints.txt; a contract test
names them). Needed: the generation and member id, to commit under the ones a batch was read with; one try to send a
request to the coordinator; whether its background tasks are still alive.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.protocol.api import Request, Response
from aiokafka.structs import TopicPartition

from shared.queue.base import Lane
from shared.queue.kafka.closing import background_tasks, close_consumer
from shared.queue.kafka.login import with_current_login
from shared.queue.kafka.options import KafkaOptions, consumer_arguments

NOWHERE = TopicPartition("", -1)
"""Asked for when no lane is wanted: getmany() without names returns all of them."""


class Membership:
    """Joins a group with `start`, leaves it with `close`. Not used again after that.

    Static membership is not offered (delivery.md, "Static membership"). aiokafka 0.14 names the instance in joins only,
    not in heartbeats and commits, so Kafka could not fence one of two processes with the same name; and it does not
    leave the group when it stops, so lanes would wait for a whole session. A rebalance takes about a second.
    """

    def __init__(
        self,
        bootstrap: str,
        options: KafkaOptions,
        group: str,
        *,
        on_assigned: Callable[["Membership", frozenset[Lane]], None],
        on_revoked: Callable[["Membership"], None],
    ) -> None:
        self._close_timeout_s = options.request_timeout_s
        self._listener = _Listener(
            assigned=lambda lanes: on_assigned(self, lanes),
            revoked=lambda: on_revoked(self),
        )
        session_ms = int(options.session_timeout_s * 1000)
        arguments = consumer_arguments(bootstrap, options)
        # The answer to a join comes when all members have joined, which may take as long as a session.
        arguments["request_timeout_ms"] += session_ms
        self._consumer = AIOKafkaConsumer(
            **arguments,
            group_id=group,
            # Spreads the lanes of all topics evenly. Keeping lanes where they are would gain nothing: in this
            # protocol every rebalance takes all lanes from everybody first. One assignor only: aiokafka sends one
            # join for each.
            partition_assignment_strategy=(RoundRobinPartitionAssignor,),
            session_timeout_ms=session_ms,
            rebalance_timeout_ms=session_ms,
            heartbeat_interval_ms=int(options.heartbeat_s * 1000),
            max_poll_interval_ms=int(options.max_poll_interval_s * 1000),
            retry_backoff_ms=int(options.retry_s * 1000),
        )
        with_current_login(self._consumer._client, options.security)

    async def start(self, topics: Iterable[str]) -> None:
        """Connect, join and return after the first assignment, which may take as long as a session time-out.

        Raises:
            KafkaError: no broker was found, a topic is missing, or the group refused; close and try with another.
        """
        self._consumer.subscribe(list(topics), listener=self._listener)
        await self._consumer.start()

    async def close(self) -> None:
        """Leave the group and close the connections; bounded, and never raises."""
        await close_consumer(self._consumer, self._close_timeout_s)

    @property
    def generation(self) -> int:
        return int(self._consumer._coordinator.generation)

    @property
    def member_id(self) -> str:
        return str(self._consumer._coordinator.member_id)

    def failure(self) -> BaseException | None:
        """Why this membership can't go on, if so: one of aiokafka's background tasks has died and none restarts it."""
        for task in background_tasks(self._consumer):
            if task.done() and not task.cancelled() and (error := task.exception()):
                return error
        return None

    async def poll(self, partitions: Iterable[TopicPartition], timeout_s: float, max_records: int) -> dict[Any, Any]:
        """getmany() of these partitions only, none perhaps, which keeps the membership alive in any case.

        It can be cancelled, and it ends in time also while a rebalance is under way. Messages are never lost by that:
        aiokafka does not suspend between taking them and returning them.
        """
        subscription = self._consumer._subscription
        polls = subscription._fetch_count
        try:
            async with asyncio.timeout(timeout_s + 0.1):
                return dict(
                    await self._consumer.getmany(
                        *(partitions or (NOWHERE,)), timeout_ms=timeout_s * 1000, max_records=max_records
                    )
                )
        except BaseException as error:
            # aiokafka counts a poll that raised as one that goes on: max_poll_interval_ms would never apply again.
            subscription._fetch_count = polls
            if isinstance(error, TimeoutError):
                return {}
            raise

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._consumer.seek(partition, offset)

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        self._consumer.pause(*partitions)

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        self._consumer.resume(*partitions)

    async def send(self, request: Request[Any]) -> Response:
        """Send a request to the group's coordinator, once. After an error it is looked up again.

        Raises:
            KafkaError: not sent, or no answer.
        """
        return await self._consumer._coordinator._send_req(request)

    def look_up_coordinator(self) -> None:
        self._consumer._coordinator.coordinator_dead()

    def join_again(self, generation: int, member_id: str) -> None:
        """Join again after the group has forgotten this generation; does nothing if there is a newer one by now."""
        if (self.generation, self.member_id) == (generation, member_id):
            self._consumer._coordinator.reset_generation()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """aiokafka calls these. It would only log an exception and go on, so they must not raise."""

    def __init__(self, assigned: Callable[[frozenset[Lane]], None], revoked: Callable[[], None]) -> None:
        self._assigned = assigned
        self._revoked = revoked

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._assigned(frozenset(Lane(tp.topic, tp.partition) for tp in assigned))

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._revoked()
