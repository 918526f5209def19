"""The memory of this process: how much it is, and giving back what is free. Where the C library is not glibc, or the
system not Linux, there is nothing to do."""

import ctypes
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_STATM = Path("/proc/self/statm")

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
_LARGE_BYTES, _KEPT_BYTES = 2_000_000, 16_000_000


def resident_bytes() -> int:
    """Bytes of memory that the process has now; 0 where that can't be told."""
    return _pages(1) * os.sysconf("SC_PAGE_SIZE")


def mapped_bytes() -> int:
    """Bytes of addresses that the process uses, files that it has mapped included; 0 where that can't be told."""
    return _pages(0) * os.sysconf("SC_PAGE_SIZE")


def _pages(column: int) -> int:
    with suppress(OSError):
        return int(_STATM.read_text().split()[column])
    return 0


def share_one_heap() -> None:
    """Have all threads allocate from one heap of glibc's; call it before they start (performance.md, "One heap")."""
    _mallopt(_M_ARENA_MAX, 1)


def keep_large_apart() -> None:
    """Have what is larger than two megabytes come from the system and go back there: in a heap it leaves holes as large
    as the largest that ever came, and under a flood of large bodies they add up."""
    _mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
    _mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)  # else glibc now gives the end of the heap back again and again


def _mallopt(parameter: int, value: int) -> None:
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(parameter, value)


def _malloc_trim() -> Callable[[int], int] | None:
    with suppress(OSError, AttributeError):
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
        return found
    return None


_TRIM = _malloc_trim()


def give_back() -> None:
    """Give free memory back to the system, from all heaps: glibc keeps what lies below anything still in use. Takes
    milliseconds, without the interpreter's lock."""
    if _TRIM is not None:
        _TRIM(0)
