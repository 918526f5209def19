"""The sticky partition, shared by both queues."""

from shared.queue.sticky import StickyPartition


def test_messages_of_one_turn_go_to_one_partition() -> None:
    sticky = StickyPartition(4)
    assert len({sticky.choose(600, 1000.0 + i / 100) for i in range(100)}) == 1


def test_processes_that_share_nothing_choose_the_same_partition() -> None:
    one, other = StickyPartition(4), StickyPartition(4)
    other.choose(10, 3.0)
    assert [one.choose(600, t) for t in range(100)] == [other.choose(9_000, t) for t in range(100)]


def test_the_next_turn_goes_to_the_next_partition() -> None:
    sticky = StickyPartition(4)
    assert [sticky.choose(1, t) for t in (0.0, 2.0, 4.0, 6.0, 8.0)] == [0, 1, 2, 3, 0]


def test_about_a_megabyte_ends_a_turn_early() -> None:
    sticky = StickyPartition(4)
    chosen = [sticky.choose(50_000, 0.5) for _ in range(40)]
    assert chosen == [0] * 20 + [1] * 20


def test_time_spreads_messages_evenly() -> None:
    sticky = StickyPartition(4)
    chosen = [sticky.choose(600, t / 10) for t in range(8_000)]
    assert {chosen.count(partition) for partition in range(4)} == {2_000}
