"""Which member gets which lane: a pure rule."""

from collections import Counter
from collections.abc import Mapping

from shared.queue.base import Lane


def share(lanes: Mapping[Lane, str | None], members: Mapping[str, frozenset[str]]) -> dict[Lane, str | None]:
    """Share lanes among members.

    Args:
        lanes: every lane, with the member that has it now.
        members: every member, with the topics that it wants.

    Returns:
        Every lane with its owner; None if no member wants its topic.

    1. Every lane whose topic a member wants has one owner, and that owner wants the topic.
    2. No lane could go to a member that has two lanes fewer than its owner: as even as the wishes allow.
    3. Only lanes that evenness or wishes ask for move; of those, first the ones of topics shared unevenly.
    """
    shares = {lane: owner if owner and lane.topic in members.get(owner, ()) else None for lane, owner in lanes.items()}
    load = Counter(owner for owner in shares.values() if owner)
    by_topic = Counter((owner, lane.topic) for lane, owner in shares.items() if owner)

    def give(lane: Lane, owner: str) -> None:
        before = shares[lane]
        if before:
            load[before] -= 1
            by_topic[before, lane.topic] -= 1
        shares[lane] = owner
        load[owner] += 1
        by_topic[owner, lane.topic] += 1

    for lane in sorted(shares):
        wanting = [member for member, topics in members.items() if lane.topic in topics]
        if shares[lane] is None and wanting:
            give(lane, min(wanting, key=lambda m: (load[m], by_topic[m, lane.topic], m)))

    while moves := [
        (load[owner] - load[member], by_topic[owner, lane.topic] - by_topic[member, lane.topic], lane, member)
        for lane, owner in shares.items()
        for member, topics in members.items()
        if owner and lane.topic in topics and load[owner] - load[member] >= 2
    ]:
        _, _, lane, member = max(moves)
        give(lane, member)
    return shares
