"""Groups that open again by themselves, on real Postgres and ClickHouse (reading.md, "When a group opens again")."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.query import Reader
from gateway.query.complete import Complete
from gateway.query.triage.rounds import Rounds
from gateway.query.triage.watch import Sources
from shared.clients.postgres import Postgres
from shared.error_states import Limit, State, StateChange, States
from shared.formats.values import microseconds
from tests.integration.gateway.query.read_api import TABLES, Merged, Store

MINUTE = timedelta(minutes=1)
A, B, C = ("a" * 64, "b" * 64, "c" * 64)


class Bench:
    """States, rows and rounds of one project. What arrives, arrives `now`; all of it is complete."""

    def __init__(self, url: str, states: States, store: Store) -> None:
        self.url = url
        self.now = datetime.now(UTC)
        self.store = store
        self.reader = Reader(store.url)
        self.states = states
        self.complete = True
        self.rounds = self.new_rounds()

    def new_rounds(self, every_s: float = 15.0, **merged: str) -> Rounds:
        tables = tuple(table.name for table in TABLES)
        sources = Sources(self.reader, Merged(merged), self.states, "errors", tables)
        return Rounds(self.url, sources, self._complete, every_s)

    async def _complete(self, table: str) -> Complete:
        return Complete(microseconds(self.now)) if self.complete else Complete(reason="away")

    async def say(self, fingerprint: str, state: State, project_id: str = "p") -> None:
        await self.states.change(project_id, [fingerprint], lambda _: StateChange(self.now, "ana", state))

    def error(self, fingerprint: str, minutes: float, release: str = "", **more: Any) -> None:
        """An error that happened so long after `now`, and arrives now."""
        row = {"fingerprint": fingerprint, "release": release, "event_id": f"{release}@{minutes}"} | more
        times = {"timestamp": microseconds(self.now + minutes * MINUTE), "received_at": microseconds(self.now)}
        self.store.add_errors(times | row)

    async def round(self) -> dict[str, State]:
        await self.rounds.round()
        return await self.states.find("p", [A, B, C])


@pytest.fixture
async def bench(postgres: Postgres, postgres_database: str, store: Store) -> AsyncIterator[Bench]:
    made = Bench(postgres_database, States(postgres), store)
    yield made
    await made.reader.close()


async def test_a_resolved_group_opens_by_its_next_event_and_by_no_earlier_one(bench: Bench) -> None:
    resolved = State("resolved", bench.now, assignee="ana")
    for each in (A, B):
        await bench.say(each, resolved)
    await bench.say(A, State("resolved", bench.now), project_id="q")
    bench.error(A, -1)
    bench.error(B, -600)
    assert await bench.round() == {A: resolved, B: resolved}
    bench.error(A, 2)
    bench.error(A, 1, "1.2")
    found = await bench.round()
    assert found[B] == resolved
    assert (found[A].status, found[A].assignee) == ("open", "ana")
    assert found[A].reopened is not None
    assert (found[A].reopened.reason, found[A].reopened.event_id) == ("regressed", "1.2@1")
    [again, first] = await bench.states.history("p", A)
    assert (again.by, again.state, first.by) == ("sluice", found[A], "ana")
    assert (await bench.states.find("q", [A]))[A].status == "resolved"


async def test_an_error_that_is_stored_late_is_judged_all_the_same(bench: Bench) -> None:
    await bench.say(A, State("resolved", bench.now))
    bench.complete = False
    await bench.round()
    received = microseconds(bench.now)
    bench.now += 60 * MINUTE
    await bench.round()  # an hour without knowing how far rows are complete
    bench.error(A, -59, received_at=received)
    assert (await bench.round())[A].status == "open"


async def test_what_was_judged_is_not_read_again(bench: Bench) -> None:
    resolved = State("resolved", bench.now)
    await bench.say(A, resolved)
    await bench.round()
    bench.now += 60 * MINUTE
    await bench.round()
    bench.error(A, -50, received_at=microseconds(bench.now - 50 * MINUTE))  # as nothing can be: it is complete
    assert await bench.round() == {A: resolved}


async def test_older_releases_do_not_open_what_is_resolved_in_one(bench: Bench) -> None:
    early = microseconds(bench.now - 600 * MINUTE)
    bench.store.add_logs({"timestamp": early, "release": "old"})
    await bench.say(A, State("resolved", bench.now, in_release="fixed"))
    bench.error(A, 1, "old")
    bench.error(A, 2, "older still")
    assert (await bench.round())[A].status == "resolved"
    bench.now += 30 * MINUTE
    bench.store.add_spans({"timestamp": microseconds(bench.now), "release": "fixed"})
    bench.error(A, 1, "old")
    assert (await bench.round())[A].status == "resolved"
    bench.now += 30 * MINUTE
    bench.error(A, 1, "newer")
    found = (await bench.round())[A]
    assert found.reopened is not None
    assert found.reopened.release == "newer"


async def test_an_error_counts_although_its_release_was_put_in_order_later(bench: Bench) -> None:
    """The records of other signals may be stored much later than the error."""
    await bench.say(A, State("resolved", bench.now, in_release="fixed"))
    bench.error(A, 5, "newer")
    assert (await bench.round())[A].status == "resolved"  # nobody has seen the fix yet
    bench.now += 60 * MINUTE
    before = microseconds(bench.now - 61 * MINUTE)
    bench.store.add_logs({"timestamp": before, "received_at": microseconds(bench.now), "release": "other"})
    assert (await bench.round())[A].status == "resolved"
    bench.complete = False
    bench.store.add_logs({"timestamp": before, "received_at": before, "release": "fixed"})
    await bench.say(B, State("resolved", bench.now))
    bench.rounds = bench.new_rounds()
    assert (await bench.round())[A].status == "open"


async def test_a_muted_group_opens_at_its_limit_or_its_time(bench: Bench) -> None:
    await bench.say(A, State("muted", bench.now, until=Limit(count=3, minutes=5)))
    await bench.say(B, State("muted", bench.now, until_time=bench.now - MINUTE))
    await bench.say(C, State("muted", bench.now))
    for minutes in (-2, 1, 2):
        bench.error(A, minutes)
        bench.error(C, minutes)
    found = await bench.round()
    assert [found[each].status for each in (A, B, C)] == ["muted", "open", "muted"]
    bench.error(A, 3)
    found = await bench.round()
    assert [found[each].status for each in (A, B, C)] == ["open", "open", "muted"]
    assert found[A].reopened is not None
    assert found[A].reopened.reason == "limit"


async def test_the_events_of_merged_groups_open_the_group_they_are_in(bench: Bench) -> None:
    bench.rounds = bench.new_rounds(**{B: A})
    await bench.say(A, State("resolved", bench.now))
    await bench.say(B, State("resolved", bench.now))
    bench.error(B, 1)
    found = await bench.round()
    assert [found[each].status for each in (A, B)] == ["open", "resolved"]


async def test_what_somebody_changed_meanwhile_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.say(A, State("resolved", bench.now))
    bench.error(A, 1)
    watched = await bench.states.watched()
    muted = State("muted", bench.now)
    await bench.say(A, muted)

    async def before() -> object:
        return watched

    monkeypatch.setattr(bench.states, "watched", before)
    assert await bench.round() == {A: muted}


async def test_one_process_judges_and_another_goes_on(bench: Bench) -> None:
    first, second = bench.new_rounds(every_s=0.05), bench.new_rounds(every_s=0.05)
    await first.start()
    await second.start()
    for each in (A, B):
        await bench.say(each, State("resolved", bench.now))
    bench.error(A, 1)
    await until_open(bench, A)
    await first.close()
    bench.error(B, 1)
    await until_open(bench, B)
    await second.close()


async def until_open(bench: Bench, fingerprint: str) -> None:
    states: dict[str, State] = {}

    async def look() -> None:
        states.update(await bench.states.find("p", [fingerprint]))

    await look()
    while states[fingerprint].status != "open":
        await look()
