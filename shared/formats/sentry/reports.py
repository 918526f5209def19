"""What an SDK says that it did not send (sentry.md, "Reports of SDKs")."""

from typing import Any

import msgspec

from shared.formats.sentry.lenient import cleaned

REASONS = frozenset(
    {
        "queue_overflow",
        "cache_overflow",
        "buffer_overflow",
        "ratelimit_backoff",
        "network_error",
        "sample_rate",
        "before_send",
        "event_processor",
        "send_error",
        "internal_sdk_error",
        "insufficient_data",
        "backpressure",
    }
)
CATEGORIES = frozenset(
    {
        "default",
        "error",
        "transaction",
        "span",
        "log_item",
        "log_byte",
        "session",
        "attachment",
        "profile",
        "profile_chunk",
        "replay",
        "monitor",
        "feedback",
        "trace_metric",
        "metric_bucket",
        "internal",
        "security",
    }
)
OTHER = "other"
MOST = 1_000_000
"""Items that one entry may say were discarded: a counter is nothing that a stranger may run away with."""


class _Entry(msgspec.Struct, gc=False):
    reason: Any = None
    category: Any = None
    quantity: Any = None


class _Report(msgspec.Struct, gc=False):
    discarded_events: list[_Entry] = []


_read = msgspec.json.Decoder(_Report).decode


def discarded(payload: bytes) -> dict[str, int]:
    """`reason category` -> how many items; words that are not known are `other`. {} for what can't be read."""
    try:
        report = _read(cleaned(payload))
    except msgspec.MsgspecError:
        return {}
    found: dict[str, int] = {}
    for entry in report.discarded_events:
        if isinstance(entry.quantity, int) and 0 < entry.quantity <= MOST:
            key = f"{_known(entry.reason, REASONS)} {_known(entry.category, CATEGORIES)}"
            found[key] = found.get(key, 0) + entry.quantity
    return found


def _known(word: object, words: frozenset[str]) -> str:
    return word if isinstance(word, str) and word in words else OTHER
