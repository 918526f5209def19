"""Child processes: they die with their parent, and are restarted when they die before it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from shared import exec_child

KEEP_USER = (exec_child.KEEP_USER, exec_child.KEEP_USER)
RENAME_ROOT = (exec_child.RENAME_ROOT, exec_child.RENAME_ROOT)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 30.0
CALM_S = 60.0
"""After so long alive a child's earlier deaths no longer lengthen the pause before a restart."""

_EXEC_CHILD = Path(exec_child.__file__)


def spawn(
    argv: Sequence[str | Path],
    *,
    orphaned: signal.Signals,
    user: tuple[int, int] = KEEP_USER,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    output: IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Run a program in a session of its own: Ctrl-C in a terminal reaches only this process.

    It gets the signal `orphaned` when this process ends, however it ends (Linux). `environment` comes on top of ours;
    `output` takes what it writes, errors too (None: where ours goes). The kernel ties the signal to the thread that
    asks, so only the main thread may.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("start children from the main thread: they die with the thread that started them")
    return subprocess.Popen(  # noqa: S603 - programs and arguments are our callers'
        dying_with_us(argv, orphaned, user),
        stdin=stdin,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )


def dying_with_us(argv: Sequence[str | Path], orphaned: signal.Signals, user: tuple[int, int] = KEEP_USER) -> list[str]:
    """The command line of a program that dies with this process; see `exec_child.py`."""
    wrapper = [sys.executable, "-I", "-S", str(_EXEC_CHILD), str(int(orphaned)), str(os.getpid()), *map(str, user)]
    return [*wrapper, *map(str, argv)]


def pause_s(deaths: int) -> float:
    """Seconds before the restart after so many deaths in a row (1, 2, ...): 0.25, 0.5, 1 ... 30."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(deaths - 1, 30))


@dataclass
class Restart:
    """When one child is started again: after a pause that doubles from death to death. Monotonic seconds."""

    deaths: int = 0
    at: float = 0.0

    def after_death(self, now: float, lived_s: float) -> float:
        """Set the time of the next start, and return the seconds until then."""
        self.deaths = 1 if lived_s > CALM_S else self.deaths + 1
        pause = pause_s(self.deaths)
        self.at = now + pause
        return pause
