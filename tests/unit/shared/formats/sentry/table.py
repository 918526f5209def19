"""Records -> the rows that they become."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from shared.envelope import Stamp
from shared.fingerprint.rules import NO_RULES, Rules
from shared.formats.base import Rows
from shared.formats.values import limit_text
from shared.registry import load
from writer.wire.block import Block

RECEIVED = 1_795_650_000_000_000
EVENT_ID = "0f8fad5bd9cb469fa16570867728950e"
_REGISTRY = load()


def rows_of(name: str, records: Sequence[Any], rules: Rules = NO_RULES) -> list[dict[str, Any]]:
    return rows_in(name, json.dumps(records).encode(), rules)


def rows_in(name: str, payload: bytes, rules: Rules = NO_RULES) -> list[dict[str, Any]]:
    """Column -> value of each row, `extra` as an object. That the writer can send them is checked too."""
    fmt = _REGISTRY.formats[name]
    rows = Rows()
    sent = fmt.codec.read(payload)
    stamp = Stamp(v=1, format=name, project_id="p", received_at=RECEIVED, retention_days=30, n=len(sent))
    if fmt.signal == "errors":
        stamp = msgspec.structs.replace(stamp, event_ids=(EVENT_ID,) * len(sent), fingerprint_version=2)
    rows.add(stamp, sent, rules)
    assert fmt.columns is not None
    columns = fmt.columns(rows)
    assert {len(values) for values in columns.values()} == {len(sent)}
    limit_text(_REGISTRY.signals[fmt.signal].table, columns, rows)
    Block(_REGISTRY.signals[fmt.signal].table).append(dict(columns), len(rows))
    return [
        {column: values[row] for column, values in columns.items()} | {"extra": _plain(rows.notes.get(row, {}))}
        for row in range(len(rows))
    ]


def _plain(extra: dict[str, Any]) -> Any:
    return json.loads(msgspec.json.encode(extra), parse_int=lambda digits: int(digits) if len(digits) < 99 else digits)


def error_of(event: Any, rules: Rules = NO_RULES) -> dict[str, Any]:
    (row,) = rows_of("sentry.errors", [event], rules)
    return row
