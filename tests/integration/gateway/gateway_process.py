"""`sluice gateway` as a process on a real SQLite queue, and raw connections to it."""

import asyncio
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from shared import registry, settings
from shared.clients.postgres import connect, locked
from shared.envelope import Stamp, unseal
from shared.keys import create_key, generate
from shared.migrations.postgres import migrate_postgres
from shared.projects import Project, create_project
from shared.queue import open_queue
from tests.integration.stack import wait_until
from tests.topics import topic_spec

PROJECT = "p"
LOGS, BATCH = "/ingest/logs", "/api/v1/logs/batch"


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Keys(NamedTuple):
    ingest: str
    read: str
    browser: str
    """Valid only for pages of https://app.example.com and of hosts below example.org."""
    triage: str
    """Good for all but operating."""


def make_keys(postgres_url: str) -> Keys:
    """A migrated database with one project and its keys."""

    async def migrate() -> None:
        async with locked(postgres_url, "test", wait_s=5) as db:
            await migrate_postgres(db)

    asyncio.run(migrate())
    keys = Keys(generate("dt"), generate("dt"), generate("pk"), generate("dt"))
    origins = ["https://app.example.com", "https://*.example.org"]
    with connect(postgres_url) as db:
        create_project(db, Project(id=PROJECT, name="P"))
        create_key(db, PROJECT, keys.ingest, scopes=["ingest"])
        create_key(db, PROJECT, keys.read, scopes=["read"])
        create_key(db, PROJECT, keys.browser, scopes=["ingest", "read"], origins=origins)
        create_key(db, PROJECT, keys.triage, scopes=["ingest", "read", "triage"], name="Ann")
    return keys


class GatewayProcess:
    """One gateway, with a queue of its own in `folder`."""

    def __init__(self, folder: Path, keys: Keys, services: Mapping[str, str], **settings: object) -> None:
        self.keys = keys
        self.file = folder / "queue.db"
        self._log = folder / "gateway.log"
        self._url = f"sqlite:///{self.file}"
        asyncio.run(make_topics(self._url))
        self.sourcemaps = folder / "sourcemaps"
        own = {f"SLUICE_GATEWAY_{name.upper()}": str(value) for name, value in settings.items()}
        own["SLUICE_SOURCEMAPS_DIR"] = str(self.sourcemaps)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "shared.cli", "gateway"],
                env=environment | {"SLUICE_QUEUE_URL": self._url, "SLUICE_GATEWAY_PORT": "0"} | dict(services) | own,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.port: int = wait_until(self._announced, 90, "a listening gateway")
        wait_until(lambda: self.request("GET", "/health/ready").json["checks"]["queue"]["status"] == "ok", 60, "queue")

    def _announced(self) -> int | None:
        assert self.process.poll() is None, self.log
        for line in self.log.splitlines():
            with suppress(ValueError, TypeError):
                if "port" in (said := json.loads(line)):
                    return int(said["port"])
        return None

    @property
    def log(self) -> str:
        return self._log.read_text()

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def post(self, path: str, body: bytes | object, **headers: str) -> Answer:
        """POST with the ingest key, JSON unless it is bytes; `content_encoding="gzip"` is a header."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, data, {"Authorization": f"Bearer {self.keys.ingest}"} | given)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=90)

    def wait_until_read(self, connection: socket.socket) -> None:
        """Wait until the gateway has read everything that was sent on this connection."""

        def unread() -> int:
            ends = f":{self.port:04X}", f":{connection.getsockname()[1]:04X}"
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
                _, gateway, client, _, queues, *_ = line.split()
                if gateway.endswith(ends[0]) and client.endswith(ends[1]):
                    return int(queues.partition(":")[2], 16)
            return 0  # the gateway has closed it

        wait_until(lambda: not unread(), 60, "the gateway has read what was sent", every_s=0.01)

    def stored(self, topic: str = "logs") -> list[tuple[Stamp, list[Any]]]:
        """(stamp, records) of each message in the queue."""
        return asyncio.run(_messages(self._url, topic))

    @contextmanager
    def queue_away(self) -> Iterator[None]:
        """Nothing can be published: another connection holds the file's lock."""
        other = sqlite3.connect(self.file, timeout=10, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()

    def memory(self, what: str = "VmHWM") -> int:
        """Bytes of memory: `VmHWM` the most so far, `VmRSS` now."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1]) * 1024
        raise LookupError(what)

    def forget_peak(self) -> None:
        """Let `VmHWM` start again from now."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.terminate()
            self.process.wait(90)


def log_of(message: str) -> dict[str, Any]:
    return {"logs": [{"level": "info", "message": message}]}


def read_answer(connection: socket.socket) -> Answer | None:
    """The only answer, or the last one, that comes on a raw connection; None where it is closed without one."""
    with connection.makefile("rb") as stream:
        return next_answer(stream)


def next_answer(stream: IO[bytes]) -> Answer | None:
    """The next answer of a connection's stream; None where it ends."""
    try:
        head = stream.readline()
        if not head:
            return None
        headers = http.client.parse_headers(stream)  # type: ignore[arg-type]
        body = stream.read(int(headers.get("content-length", 0)))
    except ConnectionResetError:
        return None
    return Answer(int(head.split()[1]), headers, body)


async def make_topics(url: str) -> None:
    queue = open_queue(settings.load({"SLUICE_QUEUE_URL": url}))
    signals = registry.load(None, "").signals.values()
    topics = [topic for signal in signals for topic in (signal.topic, signal.dead_letter_topic)]
    await queue.create_topics(map(topic_spec, topics))
    await queue.close()


async def _messages(url: str, topic: str) -> list[tuple[Stamp, list[Any]]]:
    queue = open_queue(settings.load({"SLUICE_QUEUE_URL": url}))
    try:
        lanes = await queue.lanes([topic])
        begin, end = await queue.begin_offsets(lanes), await queue.end_offsets(lanes)
        found = []
        for lane in lanes:
            async for some in queue.read(lane, begin[lane], end[lane]):
                for message in some:
                    stamp, records = unseal(message.value)
                    found.append((stamp, json.loads(bytes(records))))
        return found
    finally:
        await queue.close()
