"""The spans of a trace as a tree. What a trace should not have is mended, and said (reading.md, "One trace")."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Timed(NamedTuple):
    """What the tree needs of a span. Times are microseconds."""

    span_id: str
    parent_id: str
    start: int
    duration: int


class Tree:
    """Spans by their place in a list, which is in order of time.

    1. Every span is in it once, below one parent or at the root.
    2. No span begins before its parent: clocks differ, so it is moved, with all below it. `skew` says how far.
    3. A parent that isn't there, or a circle of parents, makes a root: `orphans`, `in_circle`.
    4. Of several spans with one id the first is the parent of those that name it; the others are `repeated`.
    """

    def __init__(self, spans: Sequence[Timed]) -> None:
        self.spans = spans
        first = _first_of_each_id(spans)
        self.repeated = {n for n, span in enumerate(spans) if first.get(span.span_id, n) != n}
        self.orphans = {n for n, span in enumerate(spans) if span.parent_id and span.parent_id not in first}
        self.parents = [first.get(span.parent_id) if span.parent_id else None for span in spans]
        self.in_circle = _break_circles(self.parents)
        self.children: list[list[int]] = [[] for _ in spans]
        self.roots: list[int] = []
        for n, parent in enumerate(self.parents):
            (self.roots if parent is None else self.children[parent]).append(n)
        self.skew, self.starts = [0] * len(spans), [span.start for span in spans]
        for n in self.walk():
            self._move(n)

    def walk(self) -> Iterator[int]:
        """Every span behind its parent, in order of time among its siblings."""
        waiting = self.roots[::-1]
        while waiting:
            n = waiting.pop()
            yield n
            waiting += reversed(self.children[n])

    def end(self, n: int) -> int:
        return self.starts[n] + self.spans[n].duration

    @property
    def depths(self) -> list[int]:
        found = [0] * len(self.spans)
        for n in self.walk():
            parent = self.parents[n]
            found[n] = 0 if parent is None else found[parent] + 1
        return found

    def own_time(self, n: int) -> int:
        """Of a span: how long none of its children ran."""
        start, end = self.starts[n], self.end(n)
        covered, until = 0, start
        for child in sorted(self.children[n], key=self.starts.__getitem__):
            child_start, child_end = max(self.starts[child], until), min(self.end(child), end)
            if child_start < child_end:
                covered += child_end - child_start
                until = child_end
        return end - start - covered

    def _move(self, n: int) -> None:
        parent = self.parents[n]
        if parent is not None:
            moved = self.starts[parent] - self.spans[parent].start
            self.skew[n] = max(0, self.spans[parent].start - self.spans[n].start)
            self.starts[n] += moved + self.skew[n]


def _first_of_each_id(spans: Sequence[Timed]) -> dict[str, int]:
    first: dict[str, int] = {}
    for n, span in enumerate(spans):
        if span.span_id:
            first.setdefault(span.span_id, n)
    return first


def _break_circles(parents: list[int | None]) -> set[int]:
    """Make the first span of each circle of parents a root; returns all that were in one."""
    found: set[int] = set()
    seen: set[int] = set()
    for n in range(len(parents)):
        path: dict[int, None] = {}
        at: int | None = n
        while at is not None and at not in seen and at not in path:
            path[at] = None
            at = parents[at]
        seen.update(path)
        if at is not None and at in path:
            walked = list(path)
            circle = walked[walked.index(at) :]
            parents[min(circle)] = None
            found.update(circle)
    return found
