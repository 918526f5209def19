"""Gateway processes of their own, without a whole stack: they share a port, a queue file, a Postgres and a Redis."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from deploy.local.ports import HOST, free_port
from shared import registry, settings
from shared.clients.postgres import locked
from shared.clients.redis import Redis
from shared.migrations.postgres import migrate_postgres
from shared.migrations.run import topic_specs
from shared.queue import open_queue
from tests.sluice import called

UP_WITHIN_S = 90.0

LOG = b'{"service":"test","logs":[{"level":"info","message":"m"}]}'


class Gateways:
    """`environment`: the variables of the processes, and of commands run beside them."""

    def __init__(self, folder: Path, postgres_url: str, redis_url: str, **more: str) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")},
            "SLUICE_QUEUE_URL": f"sqlite:///{folder.resolve() / 'queue.db'}",
            "SLUICE_SOURCEMAPS_DIR": str(folder.resolve() / "sourcemaps"),
            "SLUICE_POSTGRES_URL": postgres_url,
            "SLUICE_REDIS_URL": redis_url,
            "SLUICE_CLICKHOUSE_URL": "clickhouse://nobody@127.0.0.1:1/none",  # ingest doesn't need it
            "SLUICE_GATEWAY_PORT": str(self.port),
            "SLUICE_GATEWAY_SHARE_PORT": "1",
            **more,
        }

    async def prepare(self) -> None:
        """Postgres migrated, topics made."""
        config = settings.load(self.environment)
        async with locked(config.services.postgres_url, "test", wait_s=5) as db:
            await migrate_postgres(db)
        queue = open_queue(config)
        await queue.create_topics(topic_specs(registry.load().signals.values(), config.topics))
        await queue.close()

    async def start(self, n: int = 1) -> None:
        """Start `n`, and wait until each is counted as alive and listens."""
        for _ in range(n):
            self._processes.append(self._spawn())
        redis = Redis(self.environment["SLUICE_REDIS_URL"], timeout_s=30)
        for _ in range(int(UP_WITHIN_S / 0.1)):
            await asyncio.sleep(0.1)
            alive = await redis.call("ZCARD", "sluice:gateways")
            if min(alive, self._log().count("gateway listens")) >= len(self._processes) and await self._answers():
                break
        else:
            raise AssertionError(f"not up:\n{self._log()[-4000:]}")
        await redis.close()

    def _log(self) -> str:
        return (self._folder / "gateways.out").read_text()

    def _spawn(self) -> "subprocess.Popen[bytes]":
        with (self._folder / "gateways.out").open("ab") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "shared.cli", "gateway"], env=self.environment, stdout=out, stderr=out
            )

    async def _answers(self) -> bool:
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{self.url}/health")).status_code == 200
        except httpx.HTTPError:
            return False

    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    def kill(self) -> None:
        """SIGKILL to all of them."""
        for process in self._processes:
            process.kill()
            process.wait()
        self._processes.clear()

    def stop(self) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    async def sluice(self, *arguments: str) -> Any:
        """The JSON that a `sluice` command prints; its `--json` is added."""
        ended = await asyncio.to_thread(called, [*arguments, "--json"], self.environment)
        assert ended.code == 0, ended.err
        return ended.json

    async def key(self, *options: str, project: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A new key, as `sluice key create --json` prints it; in a project of its own unless one is given."""
        project = project or await self.sluice("project", "create", "Test")
        made: dict[str, Any] = await self.sluice("key", "create", "--project", project["id"], *options)
        return made


@asynccontextmanager
async def gateways(folder: Path, postgres_url: str, redis_url: str, n: int = 1, **more: str) -> AsyncIterator[Gateways]:
    made = Gateways(folder, postgres_url, redis_url, **more)
    await made.prepare()
    try:
        await made.start(n)
        yield made
    finally:
        made.stop()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def send(client: httpx.AsyncClient, key: str, path: str = "/ingest/logs", body: bytes = LOG) -> httpx.Response:
    return await client.post(path, content=body, headers=bearer(key))
