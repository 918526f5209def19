"""What a trial of rules makes of stored errors of Sentry's SDKs (grouping.md, "Rules")."""

import json
from typing import Any

import pytest

from shared.commands.rules_trial import grouped
from shared.fingerprint.rules import Rules
from tests.unit.shared.formats.sentry.table import error_of

EXCEPTION = {"type": "E", "value": "x", "stacktrace": {"frames": [{"function": "f", "filename": "/a.js", "lineno": 1}]}}


@pytest.mark.parametrize(
    "event",
    [
        {"exception": [EXCEPTION]},
        {"exception": [EXCEPTION], "fingerprint": ["mine", "{{ default }}"]},
        {"message": "m", "exception": [EXCEPTION | {"type": None, "mechanism": {"synthetic": True}}]},
        {"message": "m", "fingerprint": ["mine"]},
    ],
)
def test_a_row_that_no_rule_decides_stays_where_it_is(event: dict[str, Any]) -> None:
    row = error_of(event)
    said = json.loads(row["attributes"]).get("fingerprint")
    texts = (row[name] for name in ("type", "error_message", "stack_trace", "release"))
    stored = (row["fingerprint_version"], "sentry.errors", *texts, json.dumps(said) if said else "")
    assert grouped(Rules(1, []), *stored)[0] == row["fingerprint"]
