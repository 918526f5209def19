"""Ages in buckets that grow by a fifth each: a quantile of them is right within 9 % (storage.md, "Freshness")."""

from math import ceil, log2

_A_DOUBLING = 4
"""Buckets from one age to twice that."""
_MOST = 140
"""2^35 ms: more than a year."""
_NAMES = [str(n) for n in range(_MOST + 1)]


def bucket_of(age_us: int) -> str:
    """The number of an age's bucket; all up to 1 ms, also those before a clock that was set back, are in '0'."""
    return _NAMES[min(ceil(log2(age_us / 1000) * _A_DOUBLING), _MOST) if age_us > 1000 else 0]


def age_s(bucket: int) -> float:
    """The middle of a bucket, seconds, in two digits."""
    return float(f"{2 ** ((bucket - 0.5) / _A_DOUBLING) / 1000:.2g}")
