"""Points at which a test kills or freezes this process, to see what a crash leaves behind.

`SLUICE_FAILPOINT=after_plan=kill`; `after_insert=kill:3` at the third time; `before_insert=stop` freezes (SIGSTOP).
"""

import os
import signal
from typing import Literal, get_args

Point = Literal[
    "after_letters",
    "after_plan",
    "before_insert",
    "after_insert",
    "after_done",
    "after_delete",
    "after_redrive_insert",
    "spool_before_send",
    "spool_after_send",
    "spool_after_offsets",
    "spool_after_commit",
    "spool_after_delete",
]

_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class Failpoints:
    """`reach` does nothing unless the setting names that point. Raises ValueError for an unknown setting."""

    def __init__(self, setting: str = "") -> None:
        self._point, _, rest = setting.partition("=")
        action, _, times = rest.partition(":")
        if setting and (self._point not in get_args(Point) or action not in _SIGNALS):
            raise ValueError(f"SLUICE_FAILPOINT={setting!r}: write POINT=kill or POINT=stop, POINT one of {Point}")
        self._signal = _SIGNALS.get(action, signal.SIGKILL)
        self._left = int(times or 1)

    def reach(self, point: Point) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), self._signal)
