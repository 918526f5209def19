"""The critical path of a trace: at each moment the one span that the end of the trace waits for
(reading.md, "The critical path")."""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.query.traces.tree import Tree


class _Piece(NamedTuple):
    """A span that the path goes through, `until` when."""

    span: int | None
    until: int


def critical_path(tree: Tree) -> dict[int, int]:
    """Spans on the path -> how long it is in each of them itself and in none of its children, microseconds.

    It is walked back from the end. In a span it goes to the child that ended last, through that, and on from that
    child's start, so that children that ran beside it are left out. Of several that ended together the one that began
    first counts, then the first in the list. What of a child outlasts its parent is waited for by nobody.
    """
    if not tree.roots:
        return {}
    path: dict[int, int] = {}
    waiting = [_Piece(None, max(map(tree.end, tree.roots)))]
    while waiting:
        span, until = waiting.pop()
        start = min(map(tree.starts.__getitem__, tree.roots)) if span is None else tree.starts[span]
        own, at = 0, until
        for child, child_end in _by_end(tree, tree.roots if span is None else tree.children[span], until):
            if child_end <= at:
                own += at - child_end
                at = tree.starts[child]
                waiting.append(_Piece(child, child_end))
        if span is not None:
            path[span] = own + at - start
    return path


def _by_end(tree: Tree, children: Sequence[int], until: int) -> list[tuple[int, int]]:
    """Children that took time before `until`, and their ends no later than that; the last first."""
    ended = [(child, min(tree.end(child), until)) for child in children]
    taken = [(child, end) for child, end in ended if tree.starts[child] < end]
    return sorted(taken, key=lambda each: (-each[1], tree.starts[each[0]], each[0]))
