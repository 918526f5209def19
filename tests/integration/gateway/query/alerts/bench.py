"""Rules, rows and rounds of one project, on real engines. The test says what time it is, and what is complete."""

import time
from typing import Any

from gateway.http.deadlines import Deadlines
from gateway.mapping.mapper import StoredMapper
from gateway.query import QueryDeps, Reader
from gateway.query.alerting import AlertDeps
from gateway.query.alerts.rounds import AlertRounds
from gateway.query.complete import Complete
from gateway.query.json_body import small_bodies
from gateway.query.observing.delivery import Delivery
from gateway.query.sending import Sender
from gateway.query.sending.address import Allowed
from gateway.query.times import parse_time
from shared.alerts import alert as shapes
from shared.alerts.deliveries import Deliveries
from shared.alerts.rule import Rule, Target
from shared.alerts.rules import Rules
from shared.audit import Actor
from shared.audit_log import AuditLog
from shared.clients.postgres import Postgres
from shared.error_states import States
from shared.metrics import Metrics
from shared.queue.base import Queue
from shared.queue.writer_groups import WriterGroups
from shared.registry import load
from shared.secret import Secret
from shared.views import Views
from tests.bundles import MemoryBlobs, MemoryIndex
from tests.integration.gateway.query.alerts.receiver import SECRET, Receiver
from tests.integration.gateway.query.read_api import Merged, Store, stand_in

MINUTE = 60_000_000
PUBLIC = "https://sluice.example.com"


class Bench:
    """`now`: microseconds, far from the hour's ends of nothing in particular. All that arrived before it is stored,
    unless `complete` says less."""

    def __init__(self, url: str, postgres: Postgres, store: Store, queue: Queue, receiver: Receiver) -> None:
        now = time.time_ns() // 1000
        self.now = now - now % MINUTE + 10 * MINUTE
        self.complete: int | None = -1
        self.store = store
        self.receiver = receiver
        self.queue = queue
        self.states = States(postgres)
        self._url = url
        self._reader = Reader(store.url)
        self._delivery = Delivery.of(queue, WriterGroups("writers"), load(), lambda: self.now * 1000)
        self._sender = Sender(Allowed(http=True, private=True), timeout_s=5)
        self.alerts = AlertDeps(Rules(postgres), Deliveries(postgres), self._sender, PUBLIC)
        self.postgres = postgres
        self.rounds = self.new_rounds()

    def new_rounds(self) -> AlertRounds:
        """Another process."""
        blobs = MemoryBlobs()
        mapper = StoredMapper(MemoryIndex(blobs), blobs)  # type: ignore[arg-type]
        deps = QueryDeps(
            *(self._reader, stand_in, Metrics(), Merged({}), mapper, load().stores),
            states=self.states,
            views=Views(self.postgres),
            audit=AuditLog(self.postgres),
            bodies=small_bodies(Deadlines(60)),
            delivery=self._delivery,
            complete=self._complete,
            alerts=self.alerts,
        )
        return AlertRounds(self._url, deps, lambda: self.now * 1000)

    async def close(self) -> None:
        await self._delivery.close()
        await self._sender.close()
        await self._reader.close()

    async def _complete(self, table: str) -> Complete:
        if self.complete is None:
            return Complete(reason="away")
        return Complete(self.now if self.complete < 0 else self.complete)

    async def rule(self, kind: str, project_id: str = "p", url: str = "", **rule: Any) -> str:
        """A new rule's id. What it judges begins at `now`."""
        target = Target(Secret(url or self.receiver.url), Secret(SECRET))
        made = Rule(**{"name": kind, "cooldown": 10, "kind": kind} | rule)
        stored = await self.alerts.rules.add(project_id, made, target, Actor(kind="user", name="ana"))
        begins = stored.progress.beginning(self.now)
        await self.alerts.rules.advance(stored, begins)
        return stored.id

    def at(self, minutes: float) -> int:
        """So many minutes after now."""
        return self.now + round(minutes * MINUTE)

    def later(self, minutes: float) -> None:
        self.now = self.at(minutes)

    async def round(self) -> list[Any]:
        """Judge and send; what the receiver has got by that."""
        before = len(self.receiver.got)
        await round_of(self.rounds)
        got = self.receiver.got[before:]
        assert all(each.is_signed for each in got)
        return [each.json for each in got]

    async def sent(self, rule_id: str, project_id: str = "p") -> list[shapes.Delivery]:
        return await self.alerts.deliveries.of_rule(project_id, rule_id)


async def round_of(rounds: AlertRounds) -> None:
    await rounds.judge()
    await rounds.send()


def span(got: Any) -> float:
    """Minutes that were judged."""
    return (parse_time(got["end"]) - parse_time(got["start"])) / MINUTE
