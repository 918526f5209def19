"""The critical path of a trace: at each moment the one span that the end of the trace waits for
(reading.md, "The critical path")."""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.query.traces.tree import Tree


class _Waiting(NamedTuple):
    """A span that the path goes through, `until` when."""

    span: int | None
    until: int


class Stretch(NamedTuple):
    """Microseconds, as the tree has them."""

    start: int
    end: int


def critical_path(tree: Tree) -> dict[int, int]:
    """Spans on the path -> how long it is in each of them itself and in none of its children, microseconds."""
    return {span: sum(end - start for start, end in pieces) for span, pieces in critical_stretches(tree).items()}


def critical_stretches(tree: Tree) -> dict[int, list[Stretch]]:
    """Spans on the path -> when it is in each of them itself and in none of its children, the last first.

    It is walked back from the end. In a span it goes to the child that ended last, through that, and on from that
    child's start, so that children that ran beside it are left out. Of several that ended together the one that began
    first counts, then the first in the list. What of a child outlasts its parent is waited for by nobody.
    """
    if not tree.roots:
        return {}
    path: dict[int, list[Stretch]] = {}
    waiting = [_Waiting(None, max(map(tree.end, tree.roots)))]
    while waiting:
        span, until = waiting.pop()
        start = min(map(tree.starts.__getitem__, tree.roots)) if span is None else tree.starts[span]
        own: list[Stretch] = []
        at = until
        for child, child_end in _by_end(tree, tree.roots if span is None else tree.children[span], until):
            if child_end <= at:
                own.append(Stretch(child_end, at))
                at = tree.starts[child]
                waiting.append(_Waiting(child, child_end))
        if span is not None:
            path[span] = [stretch for stretch in (*own, Stretch(start, at)) if stretch.start < stretch.end]
    return path


def _by_end(tree: Tree, children: Sequence[int], until: int) -> list[tuple[int, int]]:
    """Children that took time before `until`, and their ends no later than that; the last first."""
    ended = [(child, min(tree.end(child), until)) for child in children]
    taken = [(child, end) for child, end in ended if tree.starts[child] < end]
    return sorted(taken, key=lambda each: (-each[1], tree.starts[each[0]], each[0]))
