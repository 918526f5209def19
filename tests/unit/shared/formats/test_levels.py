"""The words that mean a level (contracts.md, "Levels"), in every format that has levels."""

import json
from typing import Any

import msgspec
import pytest

from gateway.query.logs.filters import parse_log_query
from gateway.query.parameters import Parameters
from shared.envelope import VERSION, Stamp
from shared.formats import proliferate_errors, proliferate_logs, vercel_drain
from shared.formats.base import Rows
from shared.formats.levels import LEVELS, SEVERITY_NUMBERS, level_of
from tests.validating import Door

WORDS = [
    *(("fatal", word) for word in ("critical", "crit", "alert", "emergency", "emerg", "panic")),
    ("error", "err"),
    ("warn", "warning"),
    ("info", "notice"),
    ("info", "information"),
    ("debug", "verbose"),
]
SPELLINGS = pytest.mark.parametrize("spelled", [str.lower, str.upper, str.title])


def row_of(door: Door, body: object) -> dict[str, Any]:
    validated = door.validate(json.dumps(body).encode())
    assert (validated.n, validated.dropped) == (1, [])
    fields = {"event_ids": ("e",), "fingerprint_version": 1} if door.format.signal == "errors" else {}
    stamp = Stamp(v=VERSION, format=door.format.name, project_id="p", received_at=1, retention_days=7, n=1, **fields)
    rows = Rows()
    rows.add(stamp, door.format.codec.read(bytes(validated.payload)))
    row = {name: values[0] for name, values in door.format.columns(rows).items()}
    return row | {"extra": json.loads(msgspec.json.encode(rows.notes.get(0, {})))}


@SPELLINGS
@pytest.mark.parametrize(("level", "word"), WORDS)
def test_a_word_for_a_level_is_taken_in_any_case_and_kept_as_sent(level: str, word: str, spelled: Any) -> None:
    sent = spelled(word)
    log = row_of(Door(proliferate_logs), {"logs": [{"level": sent, "message": "m", "timestamp": 0}]})
    assert (log["level"], log["severity_number"]) == (level, SEVERITY_NUMBERS[level])
    drained = row_of(Door(vercel_drain), [{"level": sent, "message": "m", "timestamp": 0}])
    assert (drained["level"], drained["attributes"]) == (level, b"{}")
    assert log["extra"]["level"] == drained["extra"]["level"] == sent
    query = parse_log_query(Parameters([("levels", sent)]))
    assert query.levels == (level,)


@SPELLINGS
@pytest.mark.parametrize("name", LEVELS)
def test_a_levels_own_name_leaves_nothing_beside_it(name: str, spelled: Any) -> None:
    sent = spelled(name)
    log = row_of(Door(proliferate_logs), {"logs": [{"level": sent, "message": "m", "timestamp": 0}]})
    drained = row_of(Door(vercel_drain), [{"level": sent, "message": "m", "timestamp": 0}])
    assert (log["level"], drained["level"]) == (name, name)
    assert "level" not in log["extra"] | drained["extra"]


@pytest.mark.parametrize("sent", ['"critical"', "5", "null", '"loud"', "[1]", '"fatal"'])
def test_a_client_can_not_say_in_our_name_what_it_sent(sent: str) -> None:
    log = {"level": "info", "message": "m", "timestamp": 0, "level_sent": json.loads(sent)}
    row = row_of(Door(proliferate_logs), {"logs": [log]})
    assert row["level"] == "info"
    assert level_of(row["extra"].get("level", "info")) == "info"


@SPELLINGS
@pytest.mark.parametrize(
    ("severity", "words"),
    [
        ("critical", ["fatal", "critical", "crit", "alert", "emergency", "emerg", "panic"]),
        ("high", ["error", "err"]),
        ("medium", ["warn", "warning"]),
        ("low", ["info", "notice", "information", "debug", "verbose", "trace", "other"]),
    ],
)
def test_the_severity_of_an_error_follows_from_any_word(severity: str, words: list[str], spelled: Any) -> None:
    for word in map(spelled, words):
        row = row_of(Door(proliferate_errors), {"message": "m", "level": word})
        assert (row["severity"], row["level"]) == (severity, word)
