"""Folds patterns that differ in few words once more: `login of alice failed`, `login of bob failed` ... are one.

A prefix tree in the way of Drain's (reading.md, "How patterns are folded"): by the number of words, then by the first
word; below it groups, of which a pattern joins the most similar one.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

ANY = "*"
LEAST_MEMBERS = 4
"""Fewer may differ by a word that matters: `logged in`, `logged out`."""
LEAST_SAME = 0.6
"""Share of a pattern's own words (those that are no `*`) that it has in common with its group."""
MAX_WORDS = 64
MAX_GROUPS = 32
"""Of one place of the tree. With the words it bounds what a pattern costs; those beyond either are left alone."""

_PLACEHOLDER = re.compile(r"\{\w*\}|%[sdr(]")
"""Of a template, which somebody has folded already."""


class Folded(NamedTuple):
    """`members`: places of the patterns that are one, in order."""

    text: str
    members: list[int]


@dataclass
class _Group:
    words: list[str]
    members: list[int] = field(default_factory=list)

    def same(self, words: Sequence[str]) -> int:
        return sum(one == other != ANY for one, other in zip(self.words, words, strict=True))

    def take(self, place: int, words: Sequence[str]) -> None:
        self.words = [one if one == other else ANY for one, other in zip(self.words, words, strict=True)]
        self.members.append(place)


def fold(patterns: Sequence[str]) -> list[Folded]:
    """The patterns, folded where enough of them differ in few words, in the order of their first members."""
    tree: dict[tuple[int, str], list[_Group]] = {}
    found: list[Folded] = []
    for place, pattern in enumerate(patterns):
        words = pattern.split()
        groups = tree.setdefault((len(words), words[0] if words else ""), [])
        group = None if _PLACEHOLDER.search(pattern) or len(words) > MAX_WORDS else _joined(groups, words)
        if group is None:
            found.append(Folded(pattern, [place]))
        else:
            group.take(place, words)
    for group in (group for groups in tree.values() for group in groups):
        found += _folded(group, patterns)
    return sorted(found, key=lambda each: each.members[0])


def _joined(groups: list[_Group], words: list[str]) -> _Group | None:
    """The group that a pattern belongs to, a new one if none is similar; none where there are too many."""
    best = max(groups, key=lambda group: group.same(words), default=None)
    if best is not None and best.same(words) >= max(1, LEAST_SAME * (len(words) - words.count(ANY))):
        return best
    if len(groups) == MAX_GROUPS:
        return None
    groups.append(_Group(words))
    return groups[-1]


def _folded(group: _Group, patterns: Sequence[str]) -> Iterable[Folded]:
    if len(group.members) >= LEAST_MEMBERS:
        return [Folded(" ".join(group.words), group.members)]
    return [Folded(patterns[place], [place]) for place in group.members]
