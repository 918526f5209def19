"""What is asked of usage (reading.md, "Usage")."""

from collections import Counter
from time import time_ns
from typing import Any

import msgspec

from gateway.query.asked import Asked
from gateway.query.buckets import HOUR, Width, parse_bucket
from gateway.query.parameters import Parameters
from gateway.query.range import parse_range
from shared.formats.values import LATEST_US

_S = 1_000_000


class UsageQuery(msgspec.Struct, frozen=True):
    """The range has whole buckets."""

    asked: Asked
    width: Width

    @property
    def buckets(self) -> dict[int, Counter[str]]:
        """The first moment of each -> nothing yet."""
        start, end = self.asked.range
        return {bucket: Counter() for bucket in range(start, end, self.width.us)}

    def bounds(self, project_id: str) -> dict[str, Any]:
        """For statements about `hourly_counts`: seconds."""
        start, end = (min(max(moment // _S, 0), LATEST_US // _S) for moment in self.asked.range)
        return {"project_id": project_id, "start": start, "end": end, "width": self.width.us // _S}


def parse_usage(given: Parameters) -> UsageQuery:
    """The range grows to whole buckets: those are counted. Raises `BadQuery`."""
    asked = parse_range(given, time_ns() // 1000)
    width = parse_bucket(given, asked, usual=HOUR) or HOUR
    given.finish()
    return UsageQuery(Asked(width.whole(asked)), width)
