"""The queue: reachable, its topics there, with copies enough, and large enough messages."""

from collections.abc import Iterator, Sequence

from shared.doctor.finding import Finding, of_room
from shared.queue.base import Queue, QueueError, QueueFull, QueueUnavailable, TopicState, UnfitTopic
from shared.queue.lane_state import lane_states
from shared.queue.topic_check import weaknesses
from shared.queue.watch import ALARMING
from shared.queue.writer_groups import WriterGroups
from shared.signals.base import Signal

_PART = "queue"


async def look(queue: Queue, signals: Sequence[Signal]) -> list[Finding]:
    topics = [signal.topic for signal in signals]
    letters = [signal.dead_letter_topic for signal in signals]
    try:
        await queue.ping()
        missing = await queue.check_topics([*topics, *letters])
        states = await queue.topic_states([*topics, *letters])
        fullness, rooms = await queue.fullness(), await queue.rooms()
    except (UnfitTopic, QueueFull) as error:
        return [Finding(_PART, "failure", str(error))]
    except QueueUnavailable as error:
        return [Finding(_PART, "failure", f"it can't be reached ({error}): check SLUICE_QUEUE_URL and SLUICE_KAFKA_*")]
    except QueueError as error:
        return [Finding(_PART, "failure", f"it refuses: {error}")]
    found = [Finding(_PART, "failure", f"topics lack: {', '.join(missing)}: run `sluice migrate`")] if missing else []
    for name in sorted(states):
        found += judged(name, states[name], is_of_letters=name in letters)
    found = found or [Finding(_PART, "ok", f"{len(states)} topics, all copies in sync")]
    for each in rooms:
        found += of_room(_PART, f"of {each.place}", each.free, each.total, do="shorten SLUICE_TOPICS_RETENTION_HOURS")
    if fullness > ALARMING:
        found.append(Finding(_PART, "warning", f"it is {fullness:.0%} full: start or mend the writers"))
    return found


async def look_at_groups(queue: Queue, groups: WriterGroups) -> list[Finding]:
    """Whether the writers' positions can be read."""
    found = []
    for group, topics in groups.topics(groups.signals).items():
        try:
            await queue.committed(group, await queue.lanes(topics))
        except QueueUnavailable:
            return []  # `look` says so
        except QueueError as error:
            found.append(Finding(_PART, "failure", f"group {group!r}: {error}: this user must be granted Read on it"))
    return found


async def look_at_other_groups(queue: Queue, groups: WriterGroups) -> list[Finding]:
    """Whether anything is left of the groups from before a group a signal, or from after it."""
    try:
        there = sorted(groups.others & {group.name for group in await queue.groups()})
        return [finding for name in there for finding in await _look_at_other_group(queue, groups, name)]
    except QueueError:
        return []  # `look` says so


async def _look_at_other_group(queue: Queue, groups: WriterGroups, name: str) -> list[Finding]:
    topics = [topic for topic in groups.signals if groups.other(topic) == name]
    members = max([await queue.members(name, topic) for topic in topics])
    lanes = await queue.lanes(topics)
    if members:
        return [
            Finding(
                _PART,
                "failure",
                f"group {name!r} has members, {members}, and SLUICE_WRITER_GROUP is {groups.name!r} here: stop those"
                " writers, or set it as it is for them",
            )
        ]
    if left := await groups.left_over(queue, lanes):
        return [Finding(_PART, "warning", f"lanes wait at the position of {name!r}, {len(left)}: start their writers")]
    if any((await queue.committed(name, lanes)).values()):
        return [Finding(_PART, "warning", f"all lanes have left {name!r}: `sluice group forget {name}`")]
    return []  # another Sluice's


async def look_at_overflow(
    queue: Queue, groups: WriterGroups, signals: Sequence[Signal], *, is_wanted: bool
) -> list[Finding]:
    """Whether somebody reads the overflow topics; gateways use none that nobody reads. `is_wanted`: projects may be
    over their share."""
    topics = [signal.topic for signal in signals if signal.is_overflow]
    try:
        unread = [topic for topic in topics if not await queue.members(groups.of(topic), topic)]
        states = await lane_states(queue, groups, await queue.lanes(unread))
    except QueueError:
        return []  # the others say so
    start = "start `sluice writer --overflow`, or writers without --no-overflow"
    if waiting := sum(state.end - state.goes_on_at for state in states.values()):
        return [Finding(_PART, "failure", f"{waiting:,} messages wait in overflow topics without writers: {start}")]
    if not unread:
        return [Finding(_PART, "ok", f"{len(topics)} overflow topics, all have writers")]
    found = f"overflow topics without writers, gateways don't use them: {', '.join(unread)}: {start}"
    return [Finding(_PART, "warning", found)] if is_wanted else []


def judged(topic: str, state: TopicState, *, is_of_letters: bool) -> Iterator[Finding]:
    """What is wrong with one topic. Pure."""
    if state.forbidden:
        grant = " ".join(f"--operation {each}" for each in state.forbidden)
        yield Finding(
            _PART,
            "failure",
            f"{topic}: this user may not {', '.join(state.forbidden)}: `kafka-acls.sh --add --topic {topic} {grant}"
            " --allow-principal User:NAME`",
        )
    yield from _copies(topic, state)
    yield from _kept(topic, state)
    if is_of_letters and state.partitions > 1:
        yield Finding(
            _PART,
            "warning",
            f"{topic}: {state.partitions} partitions, it must have one: letters of a key in two are both kept",
        )


def _copies(topic: str, state: TopicState) -> Iterator[Finding]:
    """What can be written and read now."""
    if state.without_leader:
        yield Finding(_PART, "failure", f"{topic}: {state.without_leader} partitions lack a leader: start its brokers")
    elif state.in_sync < state.min_in_sync:
        yield Finding(
            _PART,
            "failure",
            f"{topic}: a partition has {state.in_sync} copies in sync, and {state.min_in_sync} are asked for: nothing"
            " can be written there; start its brokers",
        )
    elif state.in_sync < state.copies:
        yield Finding(_PART, "warning", f"{topic}: a partition has {state.in_sync} of {state.copies} copies in sync")


def _kept(topic: str, state: TopicState) -> Iterator[Finding]:
    """How it was made."""
    yield from (Finding(_PART, "warning", sentence) for sentence in weaknesses(topic, state))
