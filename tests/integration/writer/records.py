"""Queue messages and registries for tests of the writer."""

import time
from dataclasses import replace
from typing import Any

import msgspec

from shared.envelope import VERSION, Stamp, seal
from shared.formats.base import Columns, Rows
from shared.registry import Registry

NOW_US = time.time_ns() // 1000


def stamp(n: int, **fields: Any) -> Stamp:
    usual = {"v": VERSION, "format": "deeptracer.logs", "project_id": "p1", "received_at": NOW_US, "retention_days": 30}
    return Stamp(**{**usual, "n": n, **fields})


def logs(*messages: str, **fields: Any) -> bytes:
    """A queue message with one log a text."""
    records = msgspec.json.encode([{"level": "info", "message": message} for message in messages])
    return seal(stamp(len(messages), **fields), records)


def with_format(registry: Registry, name: str, **changes: Any) -> Registry:
    """The registry with one format changed."""
    return replace(registry, formats={**registry.formats, name: replace(registry.formats[name], **changes)})


def strict(registry: Registry) -> Registry:
    """The registry with a format that can't convert logs of the message 'odd'."""
    usual = registry.formats["deeptracer.logs"]

    def columns(rows: Rows) -> Columns:
        if any(record.message == "odd" for record in rows.records):
            raise ValueError("an odd one")
        return usual.columns(rows)

    return with_format(registry, usual.name, columns=columns)
