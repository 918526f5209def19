"""Two sides of one run, compared round by round. Pure."""

from collections.abc import Iterable
from statistics import median

import msgspec

Pairs = list[tuple[float, float]]
"""Ours and the other's, of each round."""


class Ratio(msgspec.Struct, frozen=True):
    """The smallest, the median and the largest of the rounds'."""

    least: float
    median: float
    most: float

    def cells(self) -> tuple[str, str, str]:
        """As they stand in a table."""
        return f"{self.least:.2f}", f"{self.median:.2f}", f"{self.most:.2f}"


def ratio(pairs: Iterable[tuple[float, float]]) -> Ratio:
    """Ours to the other's. Only the two of one round were measured one after the other, so only they are compared."""
    rounds = [ours / other for ours, other in pairs]
    return Ratio(min(rounds), median(rounds), max(rounds))
