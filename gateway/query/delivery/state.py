"""What is known of delivery, as an answer."""

from collections import Counter
from collections.abc import Sequence

from gateway.query.complete import Complete
from gateway.query.delivery.shapes import (
    DeliveryAnswer,
    LaneAnswer,
    LetterCount,
    LettersAnswer,
    LookedAtAnswer,
    TableAnswer,
)
from gateway.query.deps import QueryDeps
from gateway.query.observing.delivery import Delivery
from gateway.query.observing.lanes import SeenLane, SeenLanes
from gateway.query.observing.letters import SeenLetters
from gateway.query.observing.open_letters import Gap, length
from gateway.query.times import format_time
from gateway.query.together import together


async def find_delivery(deps: QueryDeps, project_id: str) -> DeliveryAnswer:
    """Never raises: what the queue does not tell is null."""
    delivery, names = deps.delivery, sorted(set(deps.stores.values()))
    (lanes, letters), complete = await together(
        together(delivery.lanes.now(), delivery.letters.now()), together(*map(deps.complete, names))
    )
    whole = Complete.of_all(complete)
    gaps = letters.found.gaps if letters.found else []
    return DeliveryAnswer(
        complete_up_to=_time(whole.up_to),
        complete_reason=whole.reason or None,
        tables=[_table(deps, name, each) for name, each in zip(names, complete, strict=True)],
        observed_at=_time(lanes.found.at) if lanes.found else None,
        lanes=_lanes(delivery, lanes.found, gaps) if lanes.found else None,
        dead_letters=_letters(delivery, project_id, letters.found) if letters.found else None,
        reason=lanes.reason or letters.reason or None,
    )


def _table(deps: QueryDeps, name: str, complete: Complete) -> TableAnswer:
    signals = sorted(signal for signal, table in deps.stores.items() if table == name)
    return TableAnswer(name, signals, _time(complete.up_to), complete.reason or None)


def _lanes(delivery: Delivery, seen: SeenLanes, gaps: Sequence[Gap]) -> list[LaneAnswer]:
    return [_lane(delivery, each, seen.at, gaps) for each in seen.lanes]


def _lane(delivery: Delivery, seen: SeenLane, at: int, gaps: Sequence[Gap]) -> LaneAnswer:
    (topic, partition), state = seen.lane, seen.state
    up_to = at if seen.waiting_since is None else min(at, seen.waiting_since)
    return LaneAnswer(
        signal=delivery.signals[topic],
        topic=topic,
        partition=partition,
        committed=state.committed,
        end=state.end,
        lag_messages=0 if seen.waiting_since is None else state.end - state.goes_on_at,
        lag_seconds=(at - up_to) / 1_000_000,
        complete_up_to=format_time(up_to),
        lost=length([state.lost, *(gap[1:] for gap in gaps if gap.lane == seen.lane)]),
    )


def _letters(delivery: Delivery, project_id: str, seen: SeenLetters) -> LettersAnswer:
    found: Counter[tuple[str, str]] = Counter()  # a signal has two topics
    for lane, reasons in delivery.letters.of_project(project_id).items():
        for reason, count in sorted(reasons.items()):
            found[delivery.signals[lane.topic], reason] += count
    counts = [LetterCount(signal, reason, count) for (signal, reason), count in found.items()]
    looked_at = [LookedAtAnswer(*each.lane, *each[1:]) for each in seen.looked_at]
    return LettersAnswer(counts, all(each.is_all for each in seen.looked_at), looked_at)


def _time(moment_us: int | None) -> str | None:
    return None if moment_us is None else format_time(moment_us)
