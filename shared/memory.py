"""The memory of this process: how much it is, and giving back what is free. Where the C library is not glibc, or the
system not Linux, there is nothing to do."""

import ctypes
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """Bytes of memory that the process has now; 0 where that can't be told."""
    with suppress(OSError):
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


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
