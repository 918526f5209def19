"""Durations as people write them."""

from datetime import timedelta

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: str) -> timedelta:
    """`90s`, `30m`, `24h` or `7d`. Raises `ValueError` with a sentence."""
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit()) or unit not in _SECONDS:
        raise ValueError(f"{text!r} is no duration: write 90s, 30m, 24h or 7d")
    try:
        return timedelta(seconds=int(number) * _SECONDS[unit])
    except OverflowError:
        raise ValueError(f"{text!r} is too long") from None
