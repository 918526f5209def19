"""A gateway and a writer as processes, on real engines: what the one accepted is what the other must have stored."""

import asyncio
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from prometheus_client.parser import text_string_to_metric_families

from shared import exec_child, settings
from shared.clients.clickhouse import ClickHouse, database_of
from shared.clients.postgres import connect
from shared.keys import create_key, generate
from shared.migrations.run import migrate
from shared.projects import Project, create_project
from shared.registry import load
from tests.fuzz import answer_checks
from tests.fuzz.requests import Answer, Known, Request
from tests.fuzz.wire import exchange, send_all

CONNECTIONS = 24
SETTLED_WITHIN_S = 200.0

GATEWAY_BYTES = 700_000_000
"""A gateway's most memory: bodies of many connections at once, one of them as Python values."""

WRITER_BYTES = 700_000_000
"""A writer's most memory: a batch has up to 32 MB of messages, held as values, as columns, and as a block to send."""


class Process:
    """One `sluice` process; its log names a port."""

    def __init__(self, role: str, environment: dict[str, str], folder: Path, port_name: str) -> None:
        self._log = folder / f"{role}.log"
        with self._log.open("ab") as log:
            dying_with_us = ["-I", "-S", exec_child.__file__, str(int(signal.SIGTERM)), str(os.getpid()), "-1", "-1"]
            command = [sys.executable, *dying_with_us, sys.executable, "-m", "shared.cli", role]
            self._process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.role = role
        self.port: int = _until(lambda: self._announced(port_name), 120, f"a {role} that listens")

    def _announced(self, name: str) -> int | None:
        assert self._process.poll() is None, self.log[-4000:]
        found = re.search(rf'"{name}": (\d+)', self.log)
        return int(found[1]) if found else None

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    @property
    def peak_bytes(self) -> int:
        assert self._process.poll() is None, f"the {self.role} ended:\n{self.log[-4000:]}"
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class RealProcesses:
    """A gateway and a writer. Use it in a `with`; its databases and topics are its own, the engines may be shared.

    `settle` checks that every accepted record is exactly one row, that there are no dead letters, that no lane waits,
    and that no process has grown beyond its bound.
    """

    def __init__(self, folder: Path, *, postgres_url: str, clickhouse_url: str, redis_url: str, queue_url: str) -> None:
        self._folder = folder
        self.registry = load()
        self._stack = ExitStack()
        self.known = Known(
            f"fuzz_{secrets.token_hex(6)}", generate("dt"), generate("dt"), generate("pk"), secret="for tests"
        )
        self.clickhouse_url = clickhouse_url
        self._environment = {name: text for name, text in os.environ.items() if not name.startswith("SLUICE_")} | {
            "SLUICE_POSTGRES_URL": postgres_url,
            "SLUICE_CLICKHOUSE_URL": clickhouse_url,
            "SLUICE_REDIS_URL": redis_url,
            "SLUICE_QUEUE_URL": queue_url,
            "SLUICE_GATEWAY_PORT": "0",
            "SLUICE_GATEWAY_INGEST_LIMIT": "0",
            "SLUICE_GATEWAY_READ_LIMIT": "0",
            "SLUICE_GATEWAY_PUBLISH_TIMEOUT_S": "60",
            "SLUICE_GATEWAY_HEAD_TIMEOUT_S": "20",
            "SLUICE_GATEWAY_BODY_TIMEOUT_S": "20",
            "SLUICE_WRITER_GROUP": f"writers.{secrets.token_hex(6)}",
            "SLUICE_WRITER_BATCH_AGE_S": "0.1",
        }
        self.answers = 0
        self.surely = 0
        """Records that must be rows: accepted in requests that can't be repeats."""
        self.perhaps = 0
        """Records that may be rows: accepted in requests that may be repeats."""
        self.by_status: dict[int, int] = {}

    def __enter__(self) -> Self:
        config = settings.load(self._environment)
        asyncio.run(migrate(config, self.registry))
        with connect(config.services.postgres_url) as db:
            create_project(db, Project(id=self.known.project, name="Fuzz", drain_secret=self.known.secret))
            create_key(db, self.known.project, self.known.ingest, scopes=["ingest"])
            create_key(db, self.known.project, self.known.read, scopes=["read"])
            create_key(
                db, self.known.project, self.known.browser, scopes=["ingest"], origins=["https://app.example.com"]
            )
        self.gateway = self._spawn("gateway", "port")
        self.writer = self._spawn("writer", "metrics_port")
        _until(lambda: self._ready(), 90, "a gateway that takes logs")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _spawn(self, role: str, port_name: str) -> Process:
        process = Process(role, self._environment, self._folder, port_name)
        self._stack.callback(process.stop)
        return process

    def _ready(self) -> bool:
        return bool(json.loads(self._get(self.gateway, "/health/ready").body)["status"] == "ok")

    # Asking.

    def send(self, requests: Sequence[Request], *, connections: int = CONNECTIONS) -> None:
        """Send them, and check every answer. Raises `Violation`, also for a 503 to the second try."""
        again: list[Request] = []

        def told(request: Request, answer: Answer) -> None:
            answer_checks.check(request, answer)
            if answer.status == 503:
                again.append(request)
            self._count(request, answer)

        asyncio.run(send_all(self.gateway.port, requests, connections, told))
        late, again = again, []
        asyncio.run(send_all(self.gateway.port, late, 1, told))
        if again:
            raise answer_checks.Violation(f"503, although nothing else is under way: {again[0]}")

    def _count(self, request: Request, answer: Answer) -> None:
        self.answers += 1
        self.by_status[answer.status] = self.by_status.get(answer.status, 0) + 1
        if request.has_name:
            self.perhaps += answer_checks.accepted(request, answer)
        else:
            self.surely += answer_checks.accepted(request, answer)

    def send_raw(self, pieces: Sequence[bytes]) -> None:
        """Send each piece on its own connection, which is then half closed; the gateway must not fail."""

        async def send() -> None:
            for start in range(0, len(pieces), CONNECTIONS):
                some = pieces[start : start + CONNECTIONS]
                for sent, statuses in zip(
                    some, await asyncio.gather(*(exchange(self.gateway.port, each) for each in some)), strict=True
                ):
                    if any(status >= 500 and status != 503 for status in statuses):
                        raise answer_checks.Violation(f"{sent!r} is answered {statuses}")

        asyncio.run(send())

    def _get(self, process: Process, target: str) -> Answer:
        answers: list[Answer] = []
        headers = [(b"x-api-key", self.known.read.encode()), (b"connection", b"close")]
        request = Request("", "GET", target.encode(), headers)
        asyncio.run(send_all(process.port, [request], 1, lambda _, answer: answers.append(answer)))
        return answers[0]

    def metric(self, process: Process, name: str) -> float:
        """The sum of a metric's samples."""
        text = self._get(process, "/metrics").body.decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and sample.labels.get("outcome", "accepted") == "accepted"
        )

    # Comparing.

    def settle(self) -> int:
        """Wait until everything accepted is stored, and check that it is there once. Returns the number of rows."""
        accepted = int(self.metric(self.gateway, "sluice_records_total"))
        end = time.monotonic() + SETTLED_WITHIN_S
        while (rows := self._rows()) < accepted and time.monotonic() < end:
            assert not self.metric(self.writer, "sluice_dead_letters_total"), self.writer.log[-4000:]
            time.sleep(0.1)
        assert rows == accepted, f"{accepted} records were accepted, {rows} are stored:\n{self.writer.log[-4000:]}"
        assert self.surely <= rows, f"{self.surely} records were surely accepted, {rows} are stored"
        assert not self.metric(self.writer, "sluice_dead_letters_total"), self.writer.log[-4000:]
        waiting = [lane for lane in json.loads(self._get(self.writer, "/health").body)["lanes"] if lane["waiting"]]
        assert not waiting, f"lanes wait: {waiting}"
        assert self.gateway.peak_bytes < GATEWAY_BYTES, f"the gateway took {self.gateway.peak_bytes:,} bytes"
        assert self.writer.peak_bytes < WRITER_BYTES, f"the writer took {self.writer.peak_bytes:,} bytes"
        return rows

    def _rows(self) -> int:
        """The number of rows. Fails for a row that is there twice."""
        client, database = ClickHouse(self.clickhouse_url), database_of(self.clickhouse_url)
        total = 0
        try:
            for table in self.registry.tables:
                key = "_topic, _partition, _offset, _index"
                sql = f"SELECT count(), uniqExact({key}) FROM `{database}`.`{table.name}`"
                ((rows, different),) = client.query(sql)
                assert rows == different, f"{rows - different} rows of {table.name} are there twice"
                total += rows
        finally:
            client.close()
        return total

    def read_back(self) -> int:
        """Page through all logs with all columns, and look up errors. Returns the number of logs; none may lack."""
        include = ",".join(
            name for name in self.registry.signals["logs"].table.column_names if name not in answer_checks.LOG_KEYS
        )
        route = "/api/v1/projects/{project_id}/logs"
        target: str | None = f"/api/v1/projects/{self.known.project}/logs?limit=200&include={include}"
        seen = 0
        while target is not None:
            answer = self._read(route, target)
            page = json.loads(answer.body)
            seen += len(page["logs"])
            link = re.fullmatch(r'<(.*)>; rel="next"', answer.header("link") or "")
            assert page["has_more"] == bool(link), "more, and no link"
            target = link[1] if link else None
        client = ClickHouse(self.clickhouse_url)
        try:
            ((rows,),) = client.query("SELECT count() FROM logs")
            ids = [row[0] for row in client.query("SELECT DISTINCT event_id FROM errors ORDER BY event_id LIMIT 50")]
        finally:
            client.close()
        assert seen == rows, f"{rows} logs are stored, {seen} can be read"
        self._look_up(ids)
        return seen

    def _look_up(self, ids: Sequence[str]) -> None:
        for event_id in ids:
            self._read("/api/v1/events/{event_id:path}/logs", f"/api/v1/events/{quote(event_id)}/logs")

    def _read(self, route: str, target: str) -> Answer:
        answer = self._get(self.gateway, target)
        answer_checks.check(Request(route, "GET", target.encode()), answer)
        assert answer.status == 200, f"GET {target}: {answer.status} {answer.body[:500]!r}"
        return answer


def _until(condition: Callable[[], Any], within_s: float, what: str) -> Any:
    end = time.monotonic() + within_s
    while True:
        with suppress(OSError):
            if value := condition():
                return value
        assert time.monotonic() < end, f"{what}: not within {within_s} s"
        time.sleep(0.05)
