"""`up_to` never passes a message that isn't committed, and the queue is asked no more than needed."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from random import Random

import pytest

from gateway.query import complete as module
from gateway.query.as_of import AsOf
from gateway.query.complete import Complete, Completeness, Ends
from gateway.query.observing import observation
from gateway.query.spooled import Spooled, SpoolsUnknown
from shared.queue.base import Lane, Message, Position, QueueUnavailable
from shared.queue.lane_state import LaneState
from shared.queue.writer_groups import WriterGroups
from writer.position import starting_point

SECOND = 1_000_000


class Lanes:
    """A queue in memory: per lane the times of its messages, milliseconds, and what a group has committed."""

    def __init__(self, times: dict[Lane, list[int]]) -> None:
        self.times = times
        self.stored: dict[Lane, int | None] = dict.fromkeys(times)
        self.away = False
        self.hangs = False
        self.questions = 0
        self.undecided = 0
        """So many of each lane's last messages are of a transaction that is open."""
        self.reads = 0

    async def lanes(self, topics: Iterable[str]) -> list[Lane]:
        self.questions += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.away:
            raise QueueUnavailable("no broker answers")
        return sorted(lane for lane in self.times if lane.topic in set(topics))

    async def begin_offsets(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return dict.fromkeys(lanes, 0)

    async def committed(self, group: str, lanes: Iterable[Lane]) -> dict[Lane, Position | None]:
        return {lane: None if (at := self.stored[lane]) is None else Position(at) for lane in lanes}

    async def end_offsets(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return {lane: len(self.times[lane]) - self.undecided for lane in lanes}

    async def high_watermarks(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return {lane: len(self.times[lane]) for lane in lanes}

    async def read(self, lane: Lane, first: int, end: int, *, undecided: bool = False) -> AsyncIterator[list[Message]]:
        self.reads += 1
        yield [Message(n, self.times[lane][n], None, b"") for n in range(first, end)]


class Moment:
    """A clock that is set by hand, milliseconds."""

    def __init__(self) -> None:
        self.ms = 0

    def __call__(self) -> int:
        return self.ms * 1_000_000


def watching(queue: Lanes, clock: Moment) -> Completeness:
    topics = sorted({lane.topic for lane in queue.times})
    return Completeness(queue, WriterGroups("g"), topics, clock)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def at_every_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observation, "EVERY_S", 0.0)


async def test_random_lanes_are_complete_up_to_their_first_uncommitted_message() -> None:
    random = Random(13)
    for _ in range(40):
        lanes = [Lane(topic, n) for topic in ("a", "b") for n in range(random.randint(1, 4))]
        queue, clock = Lanes({lane: [] for lane in lanes}), Moment()
        completeness = watching(queue, clock)
        for _ in range(30):
            clock.ms += random.choice((1, 50, 900, 4_000))
            lane = random.choice(lanes)
            if random.random() < 0.6:
                queue.times[lane] += [clock.ms] * random.randint(1, 3)
            else:
                queue.stored[lane] = random.randint(queue.stored[lane] or 0, len(queue.times[lane]))
            clock.ms += 1
            found = await completeness.now()
            waiting = [times[queue.stored[lane] or 0 :] for lane, times in queue.times.items()]
            exact = min([clock.ms, *(times[0] for times in waiting if times)]) * 1000
            assert found.up_to is not None
            assert found.up_to <= exact, "a message that isn't committed came before"
            assert found.up_to >= exact - module.READ_AFTER_US
            assert found.up_to == exact or any(waiting)
            assert found.as_of is not None
            for lane, times in queue.times.items():
                assert found.as_of.ends[lane.topic][lane.partition] == (queue.stored[lane] or 0) <= len(times)


async def test_an_idle_lane_counts_as_now_and_a_late_writer_holds_everything_back() -> None:
    queue, clock = Lanes({Lane("a", 0): [1_000], Lane("a", 1): []}), Moment()
    completeness = watching(queue, clock)
    clock.ms = 60_000
    assert (await completeness.now()).up_to == 1_000 * 1000
    clock.ms = 120_000
    assert (await completeness.now()).up_to == 1_000 * 1000
    queue.stored[Lane("a", 0)] = 1
    assert (await completeness.now()).up_to == 120_000 * 1000


async def test_what_waits_in_a_spool_or_behind_an_open_transaction_holds_everything_back() -> None:
    lane, clock, spooled = Lane("a", 0), Moment(), [Spooled(), Spooled(3_000_000), Spooled()]
    queue = Lanes({lane: [1_000, 2_000]})
    queue.stored[lane] = 1
    queue.undecided = 1
    completeness = Completeness(queue, WriterGroups("g"), ["a"], clock, lambda: spooled.pop(0))  # type: ignore[arg-type]
    clock.ms = 60_000
    assert (await completeness.now()).up_to == 2_000 * 1000, "that is stored, and can't be read"
    queue.stored[lane], queue.undecided = 2, 0
    assert (await completeness.now()).up_to == 3_000_000
    assert (await completeness.now()).up_to == 60_000 * 1000


async def test_what_was_drained_holds_everything_back_until_it_is_stored() -> None:
    lanes, clock = [Lane("a", 0), Lane("a", 1)], Moment()
    spooled = Spooled(3_000_000)
    queue = Lanes({lane: [] for lane in lanes})
    completeness = Completeness(queue, WriterGroups("g"), ["a"], clock, lambda: spooled)  # type: ignore[arg-type]
    clock.ms = 60_000
    assert (await completeness.now()).up_to == 3_000_000
    queue.times[lanes[0]] += [60_001, 60_002]
    spooled = Spooled(5_000_000)  # a part was drained
    assert (await completeness.now()).up_to == 3_000_000
    queue.stored[lanes[0]] = 1
    assert (await completeness.now()).up_to == 3_000_000
    queue.stored[lanes[0]] = 2
    assert (await completeness.now()).up_to == 5_000_000
    queue.times[lanes[1]] += [60_003]
    spooled = Spooled()  # the rest
    assert (await completeness.now()).up_to == 5_000_000
    queue.times[lanes[1]] += [60_004]  # this one came by itself
    queue.stored[lanes[1]] = 1
    assert (await completeness.now()).up_to == 60_000 * 1000


async def test_nothing_is_complete_beyond_what_is_known_of_spools() -> None:
    clock, spooled, queue = Moment(), Spooled(None, 59_000_000), Lanes({Lane("a", 0): []})

    def unknown() -> Spooled:
        raise SpoolsUnknown

    completeness = Completeness(queue, WriterGroups("g"), ["a"], clock, lambda: spooled)  # type: ignore[arg-type]
    clock.ms = 60_000
    assert (await completeness.now()).up_to == 59_000_000
    spooled = Spooled(None, 61_000_000)  # the gateway that says so was asked a little later than the queue
    assert (await completeness.now()).up_to == 60_000_000
    spooled = Spooled(None, 62_000_000)
    clock.ms = 70_000
    queue.times[Lane("a", 0)] += [69_000]  # waits, and keeps nothing back: nothing was drained
    assert (await completeness.now()).up_to == 62_000_000
    early = Completeness(queue, WriterGroups("g"), ["a"], clock, unknown)  # type: ignore[arg-type]
    assert await early.now() == Complete(reason="Postgres has not yet said whether gateways have spools")


async def test_a_writer_that_keeps_up_costs_no_reads() -> None:
    lane, clock = Lane("a", 0), Moment()
    queue = Lanes({lane: []})
    completeness = watching(queue, clock)
    for n in range(50):
        clock.ms = n * 1000
        queue.times[lane] += [clock.ms] * 10
        queue.stored[lane] = n * 10  # all but what has just come
        await completeness.now()
    assert queue.reads == 1, "only before anything was observed"


async def test_the_queue_is_asked_once_a_second_however_many_want_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observation, "EVERY_S", 3600.0)
    queue = Lanes({Lane("a", 0): []})
    completeness = watching(queue, Moment())
    answers = await asyncio.gather(*(completeness.now() for _ in range(50)))
    assert {answer.up_to for answer in answers} == {0}
    await completeness.now()
    assert queue.questions == 1


async def test_a_queue_that_is_away_is_unknown_with_a_reason_and_comes_back() -> None:
    queue = Lanes({Lane("a", 0): []})
    completeness = watching(queue, Moment())
    queue.away = True
    found = await completeness.now()
    assert (found.up_to, found.as_of) == (None, None)
    assert found.headers == {
        "X-Complete-Up-To": "null",
        "X-As-Of": "null",
        "X-Complete-Reason": "the queue can't be asked how far the writers are",
    }
    queue.away = False
    await completeness.now()  # begins to ask, without waiting for a queue that was away
    await asyncio.sleep(0.01)
    assert (await completeness.now()).up_to == 0


async def test_a_queue_that_hangs_holds_nobody_up_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_S", 0.01)
    queue = Lanes({Lane("a", 0): []})
    completeness = watching(queue, Moment())
    assert (await completeness.now()).up_to == 0
    queue.hangs = True
    for _ in range(100):
        assert (await completeness.now()).up_to == 0, "what was complete stays complete"
    assert queue.questions == 2
    await completeness.close()


async def test_a_missing_topic_says_what_to_do() -> None:
    completeness = Completeness(Lanes({}), WriterGroups("g"), ["a"], Moment())  # type: ignore[arg-type]
    assert (await completeness.now()).reason == "the queue lacks a topic of these rows: run `sluice migrate`"


async def test_overflow_topics_that_a_migration_still_has_to_make_hold_nothing_back() -> None:
    queue, clock = Lanes({Lane("logs", 0): [1_000]}), Moment()
    completeness = Completeness(queue, WriterGroups("g"), ["logs", "logs.overflow"], clock)  # type: ignore[arg-type]
    queue.stored[Lane("logs", 0)] = 1
    clock.ms = 5_000
    assert (await completeness.now()).up_to == 5 * SECOND


async def test_an_answer_narrowed_to_a_state_is_complete_up_to_that() -> None:
    queue, clock = Lanes({Lane("a", 0): []}), Moment()
    completeness = watching(queue, clock)
    clock.ms = 1000
    first = await completeness.now()
    clock.ms = 2000
    later = await completeness.now()
    assert later.within(None) == later
    assert later.within(first.as_of) == Complete(1000 * 1000, first.as_of)
    assert Complete(reason="away").within(first.as_of).up_to == 1000 * 1000


def test_observations_are_remembered_a_while_and_those_of_lanes_that_are_gone_are_not() -> None:
    ends, a, b = Ends(), Lane("a", 0), Lane("b", 0)
    for n in range(1000):
        ends.add(n * SECOND, {a: LaneState(0, 0, n), b: LaneState(0, 0, n)})
    assert ends.stored_before(a, 999) == 999 * SECOND
    assert ends.stored_before(a, 998) == 998 * SECOND
    assert ends.stored_before(a, 900) is None
    ends.add(0, {a: LaneState(0, 0, 0)})
    assert ends.stored_before(b, 999) is None


def test_a_reader_and_a_writer_agree_where_a_lane_goes_on() -> None:
    for begin in range(4):
        for end in range(begin, 5):
            for committed in (None, *range(7)):
                position = None if committed is None else Position(committed)
                assert LaneState(begin, committed, end).goes_on_at == starting_point(position, begin, end).offset


def test_of_several_tables_the_least_complete_counts() -> None:
    first, second = Complete(5, AsOf(5, {"a": (1,)})), Complete(3, AsOf(3, {"b": (2, 3)}))
    assert Complete.of_all([first, second]) == Complete(3, AsOf(3, {"a": (1,), "b": (2, 3)}))
    unknown = Complete(reason="away")
    assert Complete.of_all([first, unknown]) == unknown
    many = Complete(9, AsOf(9, {"c": (0,) * 255}))
    assert Complete.of_all([many, second]) == Complete(3)
