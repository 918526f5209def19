"""What Sentry's SDKs sent is written again as it was, hostile events among it (delivery.md, "Replay")."""

import json
from typing import Any

from shared.envelope import seal
from shared.formats.intake import Picking
from shared.formats.sentry import llm
from shared.formats.sentry.picking import pick
from tests.integration.writer.ops.stage_operator import StageOperator
from tests.integration.writer.records import stamp
from tests.integration.writer.stage import Stage
from tests.unit.shared.formats.sentry.envelopes import FILES
from tests.unit.shared.formats.sentry.test_picking import envelope
from writer.ops.replay.replay import Options

SIGNALS = {"sentry.errors": "errors", "sentry.transactions": "traces", "sentry.spans": "traces", "sentry.logs": "logs"}
TABLES = {"errors": "errors", "traces": "spans", "logs": "logs", "llm": "llm_calls"}

_GROUP = {"exception_id": 7, "parent_id": 7, "is_exception_group": True}
_VALUE = {"type": "E\0", "value": "x", "mechanism": _GROUP, "stacktrace": {"frames": [{}] * 2_100}}
HOSTILE = (
    b'{"message":"\\ud800","timestamp":1e400,"user":{"id":NaN},"extra":%b1%b,"level":"%b"}'
    % (b"[" * 300, b"]" * 300, b"l" * 999),
    json.dumps({"exception": [_VALUE] * 50, "fingerprint": ["a"] * 300, "timestamp": "0000-01-01"}).encode(),
)


def messages() -> dict[str, list[bytes]]:
    """Signal -> queue messages, as the gateway makes them."""
    bodies = [path.read_bytes() for path in sorted(FILES.glob("*.envelope"))]
    made: dict[str, list[bytes]] = {signal: [] for signal in TABLES}
    for body in [*bodies, *(envelope(("event", event)) for event in HOSTILE)]:
        for name, picking in pick(body):
            if name in SIGNALS and picking.n:
                made[SIGNALS[name]].append(_message(name, picking))
                if SIGNALS[name] == "traces" and (calls := llm.derive(picking.payload)).n:
                    made["llm"].append(seal(stamp(calls.n, format="sentry.llm"), calls.payload))
    return made


def _message(name: str, picking: Picking) -> bytes:
    said: dict[str, Any] = {name: getattr(picking, name) for name in ("service", "environment", "release")}
    if name == "sentry.errors":
        said |= {"event_ids": tuple(each or "f" * 32 for each in picking.event_ids), "fingerprint_version": 2}
    return seal(stamp(picking.n, format=name, **said), picking.payload)


async def test_rows_are_written_again_as_they_were(stage: Stage, operators_db: str) -> None:
    sent = messages()
    await stage.make(*sent)
    for signal, values in sent.items():
        await stage.publish(*values, signal=signal)
    async with stage.writer(*sent):
        for signal, values in sent.items():
            await stage.until_committed(len(values), signal)
    before = {signal: _rows(stage, table) for signal, table in TABLES.items()}
    operator = StageOperator(stage, operators_db)
    for signal in sent:
        done = await operator.replay(signal, options=Options(rewrite=True))
        assert (done.rewritten, done.incomplete) == (len(before[signal]), [])
        assert await stage.letters(signal) == []
    assert {signal: _rows(stage, table) for signal, table in TABLES.items()} == before
    assert [len(rows) for rows in before.values()] == [16, 16, 14, 4]


def _rows(stage: Stage, table: str) -> list[tuple[Any, ...]]:
    return stage.query(f"SELECT * FROM {table} ORDER BY _offset, _index")
