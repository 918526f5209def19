"""Lengths of time as pages write them, and the axis of a chart that begins at zero."""

from gateway.query.pages.axis import Tick

_STEPS = (1, 2, 5)
_MOST_TICKS = 7


def lasting(us: int) -> str:
    """`0 ms`, `12 ms`, `3.184 s`, `2 m 5 s`, `1 h 4 m`."""
    if us < 1_000_000:
        return f"{_short(us / 1000)} ms"
    if us < 60_000_000:
        return f"{_short(us / 1_000_000)} s"
    minutes, seconds = divmod(us // 1_000_000, 60)
    if minutes < 60:
        return f"{minutes} m {seconds} s"
    return f"{minutes // 60:,} h {minutes % 60} m"


def duration_ticks(us: int) -> list[Tick]:
    """The round times of an axis of this length. `us`: more than 0."""
    step = round_step(us // _MOST_TICKS)
    return [
        Tick(round(at / us * 100, 2), lasting(at), "middle" if at else "start")
        for at in range(0, us, step)
        if at < us * 0.97
    ]


def round_step(least: int) -> int:
    """The next of 1, 2, 5, 10, 20 ..."""
    power = 1
    while power * 10 <= least:
        power *= 10
    return next(step * power for step in (*_STEPS, 10) if step * power >= least)


def _short(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".")
