"""Payloads -> the rows that they become."""

from typing import Any

import msgspec

from shared.envelope import Stamp
from shared.formats.base import Rows
from shared.formats.otlp import logs, traces
from shared.formats.otlp.codec import OtlpCodec
from shared.formats.otlp.records import Log
from shared.registry import load
from tests.unit.shared.formats.otlp.fixtures import body, codec_of
from writer.wire.block import Block

RECEIVED = 1_795_650_000_000_000
_STAMP = Stamp(v=1, format="", project_id="p", received_at=RECEIVED, retention_days=30, n=0)
_SIGNALS = load().signals


def rows_of(name: str) -> list[dict[str, Any]]:
    return rows_in(codec_of(name), body(name))


def rows_in(codec: OtlpCodec, payload: bytes) -> list[dict[str, Any]]:
    """Column -> value of each row, `extra` as an object. That the writer can send them is checked too."""
    rows = Rows()
    rows.add(_STAMP, codec.read(payload))
    if not rows.records:
        return []
    of, signal = (logs, "logs") if isinstance(rows.records[0], Log) else (traces, "traces")
    columns = of.columns(rows)
    Block(_SIGNALS[signal].table).append(dict(columns), len(rows))
    msgspec.json.encode(list(rows.notes.values()))
    return [
        {name: values[row] for name, values in columns.items()} | {"extra": rows.notes.get(row, {})}
        for row in range(len(rows))
    ]
