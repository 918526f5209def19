"""The columns that the `+` of a list of logs offers."""

from collections import Counter
from collections.abc import Sequence

from gateway.query.language.field import ATTRIBUTE
from gateway.query.pages.logs.choices import can_be_word
from gateway.query.pages.stored_log import StoredLog

USUAL = ("environment", "release", "logger_name", "user_id", "request_id", "trace_id", "template")

MAX_OFFERED = 30


def offered_columns(logs: Sequence[StoredLog], chosen: Sequence[str]) -> list[str]:
    """The usual ones, then attributes: those that most of these logs have come first."""
    keys = Counter(key for log in logs for key in log.columns.get("attributes") or {} if can_be_word(key))
    ranked = sorted(keys, key=lambda key: (-keys[key], key))
    offered = [*USUAL, *(ATTRIBUTE + key for key in ranked)]
    return [name for name in offered if name not in chosen][:MAX_OFFERED]
