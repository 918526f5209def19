"""What is left out of a replay, in sentences: offsets that retention took, and those not committed yet."""

from collections.abc import Mapping, Sequence

from shared.queue.base import Lane, Queue
from writer.ops.ranges import LaneRange, Wanted


def lane_name(lane: Lane) -> str:
    return f"{lane.topic}:{lane.partition}"


async def shortfalls(queue: Queue, ranges: Sequence[LaneRange], wanted: Wanted) -> list[str]:
    """What can't be replayed of the range asked for: taken by retention, or not committed yet."""
    lanes = [each.lane for each in ranges]
    since = await queue.offsets_at(lanes, wanted.from_ms) if wanted.from_ms is not None else {}
    until = await queue.offsets_at(lanes, wanted.to_ms) if wanted.to_ms is not None else {}
    return [sentence for each in ranges for sentence in _shortfalls_of(each, since, until, wanted.offsets)]


def _shortfalls_of(
    covered: LaneRange, since: Mapping[Lane, int], until: Mapping[Lane, int], offsets: tuple[int, int] | None
) -> list[str]:
    state, name, found = covered.state, lane_name(covered.lane), []
    first, last = offsets or (state.begin, state.end - 1)
    if first < state.begin and last >= 0:
        gone = min(last, state.begin - 1)
        found.append(f"{name}: the queue holds nothing below offset {state.begin} any more, {first} to {gone} are gone")
    elif covered.lane in since and since[covered.lane] == state.begin > 0:
        found.append(f"{name}: what came before offset {state.begin} is gone, perhaps also what came after --from")
    elif covered.lost[0] < covered.lost[1]:
        found.append(
            f"{name}: retention took the offsets {covered.lost[0]} to {covered.lost[1] - 1} before a writer read them"
        )
    end = min(last + 1 if offsets else until.get(covered.lane, 0), until.get(covered.lane, state.end), state.end)
    if end > max(state.committed or 0, covered.first):
        found.append(
            f"{name}: offsets {state.committed or 0} to {end - 1} are not committed yet: the writers will store them"
        )
    return found
