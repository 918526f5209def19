"""What one look found."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

State = Literal["ok", "warning", "failure"]

MOST_CLOCK_DIFFERENCE_S = 2.0
"""Rows from the future get the time of their arrival; half a minute of difference moves partitions and limits."""


LEAST_FREE = 0.1
"""The share of a disk below which there is a warning."""


class Finding(NamedTuple):
    """`part`: the neighbour that it is about; the sentence says what to do where something is wrong."""

    part: str
    state: State
    sentence: str


def worst(findings: Sequence[Finding]) -> State:
    states = {each.state for each in findings}
    return "failure" if "failure" in states else "warning" if "warning" in states else "ok"


def of_room(part: str, disk: str, free: int, total: int, *, do: str) -> Iterator[Finding]:
    """Of a disk that is nearly full; bytes. `do`: what gives it more room."""
    if total and free / total < LEAST_FREE:
        yield Finding(part, "warning", f"disk {disk} has {free / total:.0%} free: {do}, or give it more room")


def of_clock(part: str, difference_s: float) -> Finding:
    """`difference_s`: the neighbour's clock minus this machine's."""
    if abs(difference_s) <= MOST_CLOCK_DIFFERENCE_S:
        return Finding(part, "ok", f"its clock differs by {abs(difference_s):.1f} s")
    way = "ahead of" if difference_s > 0 else "behind"
    return Finding(
        part, "warning", f"its clock is {abs(difference_s):.1f} s {way} this machine's: keep both in time (NTP)"
    )
