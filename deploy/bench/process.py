"""What a process has cost so far, from Linux's /proc: its own CPU time, so that other processes don't blur it."""

import os
import sys
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class NotLinux(Exception):
    """There is no /proc here."""


def require_proc() -> None:
    """Raise `NotLinux` where processes can't be measured."""
    if not Path("/proc/self/stat").exists():
        raise NotLinux(f"sluice bench reads CPU time and memory from /proc, which {sys.platform} does not have")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all its threads together, in steps of 10 ms."""
    # The second field is the program's name in brackets, and may hold anything.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND


def peak_bytes(pid: int) -> int:
    """The most memory that a process has had resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"/proc/{pid}/status names no VmHWM: the process has ended")
