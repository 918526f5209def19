"""Whether topics are there, take our messages, and are kept well: at the start of a process and as long as it runs."""

import asyncio
from collections.abc import Iterator, Sequence

import structlog

from shared.queue.base import Queue, QueueError, TopicState, UnfitTopic
from shared.settings import BadSetting

_log = structlog.get_logger(__name__)

CHECK_S = 3.0
"""How long a start waits for the queue to say something about its topics."""


class TopicCheck:
    """The topics that a process publishes to. What is wrong is logged once, and again when it came back."""

    def __init__(self, queue: Queue, topics: Sequence[str], *, strict: bool = False) -> None:
        self._queue = queue
        self._topics = topics
        self._strict = strict
        self._told: frozenset[str] = frozenset()

    async def at_start(self) -> None:
        """An unavailable queue is only logged: it may come.

        Raises:
            BadSetting: a topic is there and takes no messages of the size that the settings allow; if `strict`, also
                for what else is wrong.
        """
        if not self._topics:
            return
        try:
            async with asyncio.timeout(CHECK_S):
                found = await self._wrong()
        except UnfitTopic as error:
            raise BadSetting(str(error)) from error
        except (QueueError, TimeoutError) as error:
            reason = str(error) or f"no answer within {CHECK_S:g} s"
            _log.warning("the queue's topics can't be checked yet", error=reason)
            return
        if found and self._strict:
            raise BadSetting(f"SLUICE_TOPICS_STRICT is set, and {'; '.join(found)}")
        self._tell(found)

    async def look(self) -> None:
        """The same for a process that runs, which is never ended. Raises `QueueError`."""
        try:
            self._tell(await self._wrong())
        except UnfitTopic as error:
            self._tell([str(error)])

    async def _wrong(self) -> list[str]:
        missing = await self._queue.check_topics(self._topics)
        states = await self._queue.topic_states(self._topics)
        lacking = [f"topics are missing: {', '.join(missing)}: run `sluice migrate`"] if missing else []
        return lacking + [sentence for topic in sorted(states) for sentence in weaknesses(topic, states[topic])]

    def _tell(self, found: Sequence[str]) -> None:
        for sentence in found:
            if sentence not in self._told:
                _log.error("topics are not as they should be", error=sentence)
        self._told = frozenset(found)


def weaknesses(topic: str, state: TopicState) -> Iterator[str]:
    """How a topic can lose what was acknowledged, and what to do. Pure."""
    if state.brokers > 1 and state.copies < min(3, state.brokers):
        yield (
            f"{topic}: {state.copies} copies on {state.brokers} brokers: an acknowledged message can be lost with a"
            " broker; raise them with `kafka-reassign-partitions.sh`"
        )
    elif state.copies > 2 and state.min_in_sync < 2:
        yield (
            f"{topic}: min.insync.replicas is {state.min_in_sync} of {state.copies}: one broker may acknowledge alone;"
            f" set it with `kafka-configs.sh --alter --topic {topic} --add-config min.insync.replicas=2`"
        )
    if state.is_unclean:
        yield (
            f"{topic}: unclean.leader.election.enable is on: a copy that lags may become the leader and lose messages;"
            f" `kafka-configs.sh --alter --topic {topic} --add-config unclean.leader.election.enable=false`"
        )
