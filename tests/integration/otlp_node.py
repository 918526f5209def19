"""SDKs of OpenTelemetry for Node that send while something is away, and remember how their requests were answered."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.integration.otlp_load import Row, row_of_log, row_of_span
from tests.integration.otlp_sdk import settings
from tests.integration.stack import RunningStack

TABLES = {"/v1/logs": "logs", "/v1/traces": "spans"}
ENDS_WITHIN_S = 60.0


class Answers:
    """To the requests for one table."""

    def __init__(self) -> None:
        self.accepted = 0
        self.failed = 0

    def count(self, status: int) -> None:
        if status == 200:
            self.accepted += 1
        else:
            self.failed += 1


class NodeClient:
    """tests/fixtures/otlp_clients/load.js, which in a `with` emits; at its end all was answered or given up.

    `kind`: `sdk-node`, or `vercel`, whose exporter has spans only, and never sends a batch again.
    """

    def __init__(self, stack: RunningStack, programs: Path, kind: str, service: str, number: int) -> None:
        self.repeats = kind != "vercel"
        self.attempts = {table: Answers() for table in ("spans", "logs")[: 2 if self.repeats else 1]}
        self._command = ["node", str(programs / "load.js"), kind, str(number)]
        self._environment = {**os.environ, **settings(stack, service, TIMEOUT="30000")}
        self._told: dict[str, list[Row]] = {}

    def __enter__(self) -> "NodeClient":
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, env=self._environment, stdin=pipe, stdout=pipe, text=True)
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            assert self._process.wait(ENDS_WITHIN_S) == 0
        finally:
            self._process.kill()
            self._thread.join()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                match json.loads(line):
                    case [path, status]:
                        self.attempts[TABLES[path]].count(status)
                    case told:
                        self._told = told

    def sent(self, table: str) -> Iterator[tuple[Row, list[int]]]:
        """Each record as its row should be, and how the requests that held it were answered."""
        for record in self._told[table]:
            yield (_log(record) if table == "logs" else _span(record)), record["tries"]


def _log(record: dict[str, Any]) -> Row:
    n = record["attributes"]["n"]
    assert (record["message"], record["severity_number"]) == (f"log {n}", 1 + n % 24)
    return _common(record) | row_of_log(n)


def _span(record: dict[str, Any]) -> Row:
    return _common(record) | row_of_span(int(record["end_ns"]) - int(record["ns"]))


def _common(record: dict[str, Any]) -> Row:
    return {
        "at_us": int(record["ns"]) // 1_000,
        "trace_id": record["trace_id"],
        "span_id": record["span_id"],
        "attributes": json.dumps(record["attributes"], separators=(",", ":"), ensure_ascii=False),
    }
