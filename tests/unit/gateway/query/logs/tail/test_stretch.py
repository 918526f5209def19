"""Every offset is read exactly once, whatever writers and lanes do (reading.md, "Why nothing is missing")."""

from collections import Counter
from random import Random

from gateway.query.as_of import SETTLED_US, AsOf, as_of, decode_as_of, encode_as_of
from gateway.query.complete import Complete
from gateway.query.logs.tail.stretch import FAR_MESSAGES, FAR_US, Part, Position
from shared.queue.base import Lane
from shared.queue.lane_state import LaneState

NOW = 1_768_478_400_000_000
FIRST, SECOND = Lane("logs", 0), Lane("logs", 1)


def seen(up_to: int, lanes: dict[Lane, tuple[int, int]]) -> Complete:
    """Lane -> (committed, end)."""
    states = {lane: LaneState(0, committed, end) for lane, (committed, end) in lanes.items()}
    return Complete(up_to, as_of(up_to, {lane: state.goes_on_at for lane, state in states.items()}), lanes=states)


def position(lanes: dict[Lane, int]) -> Position:
    state = as_of(NOW, lanes)
    assert state is not None
    return Position(state)


def test_random_writers_positions_and_reconnects_have_each_offset_read_once() -> None:
    for seed in range(200):
        random = Random(seed)
        ends = {FIRST: 0}
        committed, furthest = {FIRST: 0}, {FIRST: 0}
        tail, read = position(ends), Counter[tuple[Lane, int]]()
        for step in range(60):
            if random.random() < 0.05:
                new = Lane(random.choice(("logs", "drain")), len(ends))
                ends[new] = committed[new] = furthest[new] = 0
            for lane in ends:
                ends[lane] += random.choice((0, 0, 1, 7))
                if random.random() < 0.1:  # an operator resets it, and the writers come again
                    committed[lane] = random.randint(0, committed[lane])
                else:
                    committed[lane] = random.randint(committed[lane], ends[lane])
                furthest[lane] = max(furthest[lane], committed[lane])
            if random.random() < 0.2:  # a client connects again with the id
                tail = Position(decode_as_of(encode_as_of(tail.state)))
            stretch = tail.next(seen(NOW + step, {lane: (committed[lane], ends[lane]) for lane in ends}))
            assert stretch.recreated == ()
            if random.random() < 0.2:  # a poll that fails is repeated
                continue
            read.update((part.lane, offset) for part in stretch.parts for offset in range(part.first, part.end))
            tail.move(stretch)
        assert set(read.values()) <= {1}
        for lane, offset in read:
            assert offset < furthest[lane], "only what was committed once"
        stretch = tail.next(seen(NOW + 100, {lane: (end, end) for lane, end in ends.items()}))
        read.update((part.lane, offset) for part in stretch.parts for offset in range(part.first, part.end))
        assert read == Counter({(lane, offset): 1 for lane, end in ends.items() for offset in range(end)})


def test_a_lane_that_ends_before_the_position_is_recreated_once_two_observations_say_so() -> None:
    tail = position({FIRST: 50, SECOND: 7})
    stretch = tail.next(seen(NOW + 1_000_000, {FIRST: (3, 3), SECOND: (9, 9)}))
    assert stretch.recreated == ()
    assert [part.lane for part in stretch.parts] == [SECOND]
    assert stretch.until.complete == NOW, "what the new lane has committed by now was not read"
    tail.move(stretch)

    stretch = tail.next(seen(NOW + 2_000_000, {FIRST: (5, 8), SECOND: (9, 9)}))
    assert stretch.recreated == (FIRST,)
    assert stretch.parts == (Part(FIRST, 0, 5, NOW),), "the former lane's rows were received before"
    tail.move(stretch)

    stretch = tail.next(seen(NOW + 3_000_000, {FIRST: (60, 60), SECOND: (9, 9)}))
    assert stretch.recreated == ()
    assert stretch.parts == (Part(FIRST, 5, 60, NOW),), "the former one had these offsets, too"


def test_an_observation_older_than_the_position_recreates_nothing() -> None:
    tail = position({FIRST: 50})
    tail.move(tail.next(seen(NOW - 1, {FIRST: (40, 45)})))
    stretch = tail.next(seen(NOW + 1, {FIRST: (55, 60)}))
    assert stretch.recreated == ()
    assert stretch.parts == (Part(FIRST, 50, 55, NOW - 1 - SETTLED_US),)


def test_only_what_is_far_in_time_and_in_messages_is_not_read() -> None:
    def is_far(later: int, messages: int) -> bool:
        return position({FIRST: 5}).next(seen(NOW + later, {FIRST: (5 + messages, 10**9)})).is_far

    assert not is_far(FAR_US, 10**8)
    assert not is_far(10 * FAR_US, FAR_MESSAGES)
    assert is_far(FAR_US + 1, FAR_MESSAGES + 1)


def test_a_state_of_other_lanes_begins_at_their_beginnings() -> None:
    tail = Position(AsOf(NOW, {"errors": (5,)}))
    assert tail.next(seen(NOW, {FIRST: (2, 3)})).parts == (Part(FIRST, 0, 2, NOW - SETTLED_US),)
