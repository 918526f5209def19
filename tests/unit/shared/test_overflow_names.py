"""A signal's name means both of its topics, its full name one (delivery.md, "The overflow topics")."""

from collections.abc import Sequence

import pytest
import typer

from shared.queue.base import Lane, Queue
from shared.registry import UnknownSignal, load
from writer.main import signals_of
from writer.ops.ranges import BadRange, Wanted, wanted_lanes

KNOWN = load(topic_prefix="my.")


def test_each_signal_has_two_topics_and_one_table() -> None:
    logs, overflow = KNOWN.named(["logs"])
    assert (logs.topic, overflow.topic) == ("my.logs", "my.logs.overflow")
    assert (logs.dead_letter_topic, overflow.dead_letter_topic) == ("my.logs.dlq", "my.logs.overflow.dlq")
    assert (logs.name, logs.table) == (overflow.name, overflow.table)
    assert KNOWN.named([]) == KNOWN.with_overflow
    with pytest.raises(UnknownSignal, match="'log'; there are drain, errors"):
        KNOWN.named(["logs", "log"])


@pytest.mark.parametrize(
    ("names", "overflow", "expected"),
    [
        (["logs"], None, ["logs", "logs.overflow"]),
        (["logs"], True, ["logs.overflow"]),
        (["logs"], False, ["logs"]),
        (["logs.overflow", "errors"], None, ["errors", "errors.overflow", "logs.overflow"]),
    ],
)
def test_a_writer_writes_both_or_what_it_is_told(
    names: Sequence[str], overflow: bool | None, expected: Sequence[str]
) -> None:
    assert sorted(each.full_name for each in signals_of(KNOWN, names, overflow=overflow)) == expected


def test_a_writer_of_nothing_is_refused() -> None:
    assert len(signals_of(KNOWN, [], overflow=None)) == 2 * len(KNOWN.signals)
    with pytest.raises(typer.BadParameter, match="leave none"):
        signals_of(KNOWN, ["logs.overflow"], overflow=False)
    with pytest.raises(typer.BadParameter, match="no signal 'log'"):
        signals_of(KNOWN, ["log"], overflow=None)


class Topics:
    """A queue of topics with one lane each; `my.errors.overflow` is not made yet."""

    async def lanes(self, topics: Sequence[str]) -> list[Lane]:
        return [Lane(topic, 0) for topic in topics if topic != "my.errors.overflow"]


@pytest.mark.parametrize(
    ("names", "offsets", "expected"),
    [
        (("logs",), None, ["my.logs", "my.logs.overflow"]),
        (("logs",), (0, 9), ["my.logs"]),
        (("logs.overflow",), (0, 9), ["my.logs.overflow"]),
        (("errors",), None, ["my.errors"]),
    ],
)
async def test_offsets_are_those_of_one_topic(
    names: tuple[str, ...], offsets: tuple[int, int] | None, expected: Sequence[str]
) -> None:
    queue: Queue = Topics()  # type: ignore[assignment]
    found = await wanted_lanes(queue, KNOWN, Wanted(signals=names, offsets=offsets))
    assert [lane.topic for _, lane in found] == expected


async def test_what_is_missing_and_wanted_by_its_full_name_is_refused() -> None:
    queue: Queue = Topics()  # type: ignore[assignment]
    with pytest.raises(BadRange, match="run `sluice migrate`"):
        await wanted_lanes(queue, KNOWN, Wanted(signals=("errors.overflow",)))
