"""How well fingerprints group a labelled corpus: of all pairs, which belong together and which were put together."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any, NamedTuple

Error = dict[str, Any]
Fingerprint = Callable[[str, str], tuple[str, str, str]]


class Scores(NamedTuple):
    """Of the pairs of errors."""

    errors: int
    precision: float
    """Of the pairs with one fingerprint, the share that has one cause."""
    recall: float
    """Of the pairs with one cause, the share that has one fingerprint."""
    apart: int
    look_alikes: int
    """Pairs of causes that look alike, and how many of them never share a fingerprint."""
    merged: list[tuple[str, str]]

    def row(self, name: str) -> str:
        share = f"{self.precision:9.3f} {self.recall:7.3f}"
        return f"{name:16} {self.errors:6} {share}   {self.apart:3} of {self.look_alikes:3}  {self.merged or ''}"


def scores(errors: Sequence[Error], fingerprint: Fingerprint) -> Scores:
    made = [error.get("project", "") + fingerprint(error["message"], error["stack"])[0] for error in errors]
    causes = [error["cause"] for error in errors]
    both = _pairs(zip(made, causes, strict=True))
    alike = _look_alikes(errors, made)
    return Scores(
        errors=len(errors),
        precision=both / max(1, _pairs(made)),
        recall=both / max(1, _pairs(causes)),
        apart=sum(not together for _, together in alike),
        look_alikes=len(alike),
        merged=[pair for pair, together in alike if together],
    )


def _pairs(of: Iterable[object]) -> int:
    return sum(n * (n - 1) // 2 for n in Counter(of).values())


def _look_alikes(errors: Sequence[Error], made: Sequence[str]) -> list[tuple[tuple[str, str], bool]]:
    prints: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for error, fingerprint in zip(errors, made, strict=True):
        if error["alike"]:
            prints[error["alike"]][error["cause"]].add(fingerprint)
    return [((a, b), bool(of[a] & of[b])) for of in prints.values() for a, b in combinations(sorted(of), 2)]
