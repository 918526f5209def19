"""How large the week is, and when.

The week is a row of requests, evenly in time. A request belongs to one project and has one trace: 12 spans, 40 logs,
1.6 errors and 2.4 calls to models on average. Every other request is the largest project's.
"""

from hashlib import md5, sha256
from time import time

import msgspec

from deploy.local.demo import DEMO_PROJECT

PROJECTS = 20
LARGEST = DEMO_PROJECT
"""Half of everything is its own; the others share the rest evenly."""

LOGS = 10_000_000
WEEK_US = 7 * 86_400_000_000
_HOUR_US = 3_600_000_000
_LOGS_A_REQUEST = 40


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """`end`: microseconds, the first moment after it. The rows of a table follow from those of the logs."""

    end: int
    logs: int

    @classmethod
    def before_now(cls, logs: int) -> "Week":
        """It ends with the last full hour: rows must not be older than their retention."""
        return cls(end=int(time()) * 1_000_000 // _HOUR_US * _HOUR_US, logs=logs)

    @property
    def start(self) -> int:
        return self.end - WEEK_US

    @property
    def requests(self) -> int:
        return self.logs // _LOGS_A_REQUEST

    @property
    def spans(self) -> int:
        return self.logs * 3 // 10

    @property
    def errors(self) -> int:
        return self.logs // 25

    @property
    def llm_calls(self) -> int:
        return self.logs * 6 // 100

    @property
    def middle(self) -> int:
        """A request of the largest project, in the middle of the week."""
        return self.requests // 4 * 2


def trace_id(request: int | str) -> str:
    """The trace of a request; as `TRACE_ID` has it in SQL."""
    return md5(f"trace {request}".encode(), usedforsecurity=False).hexdigest()


def fingerprint(group: int) -> str:
    """Of a group of errors, 0 is the largest; as `FINGERPRINT` has it in SQL."""
    return sha256(f"group {group}".encode()).hexdigest()


TRACE_ID = "lower(hex(MD5(concat('trace ', toString(request)))))"
FINGERPRINT = "lower(hex(SHA256(concat('group ', toString(`group`)))))"
