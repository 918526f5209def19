"""The answers to accepted requests: empty, or partial success, in the encoding of the request."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from shared.formats.intake import Outcome
from shared.formats.otlp.schema import FULL

MOST_REASONS = 3

_encode = msgspec.json.Encoder().encode


class Kind(NamedTuple):
    """What records are called in answers."""

    rejected: str
    """The field of their number, in JSON."""
    one: str
    many: str
    reasons: Mapping[str, str] = {}
    """Word of a fault -> what stands behind the number of records that have it."""
    always: str = ""
    """What is said whatever the reasons are."""


LOGS = Kind("rejectedLogRecords", "log record", "log records", {"too_large": "over 512 kB"})
SPANS = Kind(
    "rejectedSpans",
    "span",
    "spans",
    {
        "invalid_id": "without a valid trace or span id",
        "missing_start_time": "without a start time",
        "too_large": "over 512 kB",
    },
)


POINTS = Kind(
    "rejectedDataPoints",
    "data point",
    "data points",
    always="metrics are not stored here: set OTEL_METRICS_EXPORTER=none",
)


def reply(kind: Kind, outcome: Outcome) -> tuple[int, bytes]:
    """(status, body) for records of a kind."""
    is_json = outcome.format.endswith(".json") or not outcome.format
    if not outcome.dropped:
        return 200, b"{}" if is_json else b""
    message = kind.always or _message(kind, outcome.reasons)
    if is_json:
        partial = {kind.rejected: str(outcome.dropped), "errorMessage": message}
        return 200, _encode({"partialSuccess": partial})
    response = FULL["Response"]()
    response.partial_success.rejected = outcome.dropped
    response.partial_success.error_message = message.encode()
    return 200, response.SerializeToString()


def _message(kind: Kind, reasons: Mapping[str, int]) -> str:
    """`3 spans without a start time; 1 span over 512 kB`: the most frequent first."""
    most = sorted(reasons.items(), key=lambda each: -each[1])[:MOST_REASONS]
    return "; ".join(f"{n} {kind.one if n == 1 else kind.many} {kind.reasons[word]}" for word, n in most)
