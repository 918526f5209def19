"""A project's rules in running gateways: each obeys a change within a second, and stores what it tells the client."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic

import httpx

from deploy.local.valkey import Valkey
from shared import registry, settings
from shared.clients.postgres import Postgres
from shared.fingerprint import CURRENT, fingerprint
from shared.fingerprint.rules import Rule, Rules
from shared.queue import open_queue
from tests.integration.gateways import Gateways, gateways, send
from writer.converter import Converter
from writer.rules_book import RulesBook

PROCESSES = 2
SAID = "upstream timed out after 31 s"
ERROR = json.dumps({"error_message": SAID, "stack_trace": "", "release": "v7"}).encode()
WITHOUT_RELEASE = json.dumps({"error_message": SAID, "stack_trace": ""}).encode()


def rules_with(key: str) -> str:
    return f'[[rules]]\nname = "timeouts"\nmessage = "*timed out*"\nrelease = "v7"\ngroup = "{key}"\n'


def group_of(key: str) -> str:
    rule = Rule(name="x", message="*", group=key)
    return fingerprint(CURRENT, SAID, "", Rules(1, [rule])).hash


class Clients:
    """Keep-alive connections, which the kernel has spread over the processes, and what they were told."""

    def __init__(self, connections: list[httpx.AsyncClient]) -> None:
        self.told: dict[str, str] = {}
        """Event id -> fingerprint, of every error that was accepted."""
        self._connections = connections

    async def send(self, key: str, body: bytes = ERROR) -> set[str]:
        """Send one error over each; the fingerprints of the answers."""
        answers = await asyncio.gather(*(send(each, key, "/ingest/errors", body) for each in self._connections))
        made = {answer.headers["X-Event-Id"]: answer.json()["fingerprint"] for answer in answers}
        self.told |= made
        return set(made.values())

    async def seconds_until(self, key: str, wanted: str) -> float:
        """Seconds until all processes answer with this fingerprint."""
        began = monotonic()
        async with asyncio.timeout(60):
            while True:
                if await self.send(key) == {wanted}:
                    return monotonic() - began
                await asyncio.sleep(0.02)


async def test_every_process_obeys_new_rules_within_a_second_and_rows_have_what_was_told(
    own_redis: Callable[..., Valkey], postgres_database: str, tmp_path: Path
) -> None:
    file = tmp_path / "rules.toml"
    async with (
        gateways(tmp_path, postgres_database, own_redis().url, n=PROCESSES) as running,
        AsyncExitStack() as stack,
    ):
        made = [httpx.AsyncClient(base_url=running.url, timeout=60) for _ in range(12)]
        clients = Clients([await stack.enter_async_context(each) for each in made])
        key, other = await running.key("--rate-limit", "0"), await running.key("--rate-limit", "0")
        plain = fingerprint(CURRENT, SAID, "").hash
        assert await clients.send(key["key"]) == {plain}
        took_s = []
        for n in range(3):
            file.write_text(rules_with(f"key {n}"))
            await running.sluice("grouping", "rules", "set", str(file), "--project", key["project_id"])
            took_s.append(await clients.seconds_until(key["key"], group_of(f"key {n}")))
        assert await clients.send(key["key"], WITHOUT_RELEASE) == {plain}
        assert min(took_s) < 1  # a busy machine may be late, but not every time
        assert max(took_s) < 10, "the caches hold a key for 30 s"
        assert await clients.send(other["key"]) == {plain}, "another project's"
        file.write_text("rules = []")
        await running.sluice("grouping", "rules", "set", str(file), "--project", key["project_id"])
        await clients.seconds_until(key["key"], plain)

        assert set(clients.told.values()) == {plain, *(group_of(f"key {n}") for n in range(3))}
        assert await stored(running) == clients.told


async def stored(running: Gateways) -> dict[str, str]:
    """Event id -> fingerprint of the rows that a writer makes of all errors in the queue."""
    config, known = settings.load(running.environment), registry.load()
    errors = known.signals["errors"]
    converter = Converter(errors.table, known.formats_of(errors))
    queue, book = open_queue(config), RulesBook(Postgres(config.services.postgres_url))
    rows: dict[str, str] = {}
    for lane, end in (await queue.end_offsets(await queue.lanes([errors.topic]))).items():
        async for messages in queue.read(lane, 0, end):
            entries = await book.applied([converter.read(each) for each in messages])
            columns = converter.convert(lane, entries, now_us=0).block.columns
            ids, fingerprints = (map(bytes.decode, columns[name].values) for name in ("event_id", "fingerprint"))
            rows |= zip(ids, fingerprints, strict=True)
    await book.close()
    await queue.close()
    return rows
