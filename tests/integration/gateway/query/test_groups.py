"""Every reading query obeys merged groups: random merges on real Postgres and ClickHouse, against a plain model."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.valkey import Valkey
from gateway.changes import Changes
from gateway.query.groups import Grouping, Groups
from gateway.query.reader import Reader
from shared.clients.postgres import Postgres, connect
from shared.clients.redis import Redis
from shared.group_merges import MERGES, BadMerge, list_merges, merge_groups, unmerge_group
from shared.projects import Project, create_project
from tests.examples import examples
from tests.integration.gateway.query.read_api import NO_POSTGRES, Store, client
from tests.integration.writer.writer_process import until

FINGERPRINTS = [f"{n:x}" * 64 for n in range(7)]
ROWS = {each: n + 1 for n, each in enumerate(FINGERPRINTS)}
"""How many errors each fingerprint has."""

Partition = set[frozenset[str]]


class Model:
    """Groups by brute force: sets that are joined, act after act."""

    def __init__(self) -> None:
        self.acts: dict[str, str] = {}
        """The head of a group -> the head that it was merged into."""

    @property
    def partition(self) -> Partition:
        groups = {each: {each} for each in FINGERPRINTS}
        for one, other in self.acts.items():
            joined = groups[one] | groups[other]
            groups |= dict.fromkeys(joined, joined)
        return set(map(frozenset, groups.values()))

    def group(self, fingerprint: str) -> frozenset[str]:
        return next(group for group in self.partition if fingerprint in group)

    def head(self, fingerprint: str) -> str:
        (head,) = self.group(fingerprint) - self.acts.keys()
        return head


steps = st.lists(
    st.tuples(st.sampled_from(["merge", "unmerge"]), *[st.sampled_from(FINGERPRINTS)] * 2), min_size=1, max_size=12
)


@pytest.fixture
async def postgres(migrated_postgres: str) -> str:
    with connect(migrated_postgres) as db:
        create_project(db, Project(id="p", name="P"))
        create_project(db, Project(id="q", name="Q"))
    return migrated_postgres


@pytest.fixture
def errors(store: Store) -> Store:
    store.add_errors(
        *({"fingerprint": each, "project_id": "p"} for each, n in ROWS.items() for _ in range(n)),
        *({"fingerprint": each, "project_id": "q"} for each in FINGERPRINTS),
    )
    return store


@given(steps)
@examples(12)
def test_queries_group_and_filter_as_people_have_merged(
    postgres: str, errors: Store, made: list[tuple[str, str, str]]
) -> None:
    model = Model()
    with connect(postgres) as db:
        db.execute("DELETE FROM group_merges")
    for what, one, other in made:
        _step(postgres, model, what, one, other)
    merged, alone = asyncio.run(_groupings(postgres))
    _obeyed(errors, merged, "p", model, ROWS)
    _obeyed(errors, alone, "q", Model(), dict.fromkeys(FINGERPRINTS, 1))


def _step(postgres: str, model: Model, what: str, one: str, other: str) -> None:
    """One change, in Postgres and in the model; and a merge that is taken back at once leaves the groups of before."""
    with connect(postgres) as db:
        if what == "unmerge":
            if one in model.acts:
                del model.acts[one]
                assert set(unmerge_group(db, "p", one)) == model.group(one)
            else:
                with pytest.raises(BadMerge, match="was not merged"):
                    unmerge_group(db, "p", one)
        elif one == other:
            with pytest.raises(BadMerge, match="into itself"):
                merge_groups(db, "p", [one], other, by="test")
        else:
            before, own, head = model.partition, model.head(one), model.head(other)
            if own != head:
                merge_groups(db, "p", [one], other, by="test")
                unmerge_group(db, "p", own)
                assert model.partition == before
                model.acts[own] = head
            assert set(merge_groups(db, "p", [one], other, by="test")) == model.group(one)
        assert {each.fingerprint: each.head for each in list_merges(db, "p")} == {
            each: model.head(each) for each in model.acts
        }


async def _groupings(url: str) -> tuple[Grouping, Grouping]:
    postgres = Postgres(url)
    groups = Groups(postgres)
    found = await groups.of("p"), await groups.of("q")
    await postgres.close()
    return found


def _obeyed(errors: Store, grouping: Grouping, project: str, model: Model, rows: dict[str, int]) -> None:
    """The statement that lists groups, and the one that reads a group's errors."""
    key = grouping.key
    listed = errors.clickhouse.query(
        f"SELECT {key.text} AS head, count() FROM errors WHERE project_id = %(project)s GROUP BY head",
        {"project": project, **key.values},
    )
    assert dict(listed) == {
        model.head(next(iter(group))): sum(map(rows.__getitem__, group)) for group in model.partition
    }
    for each in FINGERPRINTS:
        assert grouping.head_of(each) == model.head(each)
        only = grouping.only(each)
        (found,) = errors.clickhouse.query(
            f"SELECT count(), groupUniqArray(fingerprint) FROM errors WHERE project_id = %(project)s AND {only.text}",
            {"project": project, **only.values},
        )
        group = model.group(each)
        assert (found[0], set(found[1])) == (sum(map(rows.__getitem__, group)), group)


@pytest.fixture
async def listening(postgres: str, own_redis: Callable[..., Valkey]) -> AsyncIterator[tuple[Groups, Redis]]:
    database, redis = Postgres(postgres), Redis(own_redis().url)
    groups = Groups(database)
    changes = Changes(redis, MERGES, groups)
    await changes.start()
    yield groups, redis
    await changes.close()
    await redis.close()
    await database.close()


async def test_a_merge_is_obeyed_once_redis_has_passed_it_on(listening: tuple[Groups, Redis], postgres: str) -> None:
    groups, redis = listening
    one, other = FINGERPRINTS[:2]
    await until(partial(_is_heard, redis))
    assert (await groups.of("p")).head_of(one) == one
    with connect(postgres) as db:
        merge_groups(db, "p", [one], other, by="test")
    await redis.publish(MERGES, "p")
    await until(partial(_is_merged, groups, one, other), within_s=10)  # the cache alone holds it for 30 s


async def test_an_event_names_its_group(errors: Store, listening: tuple[Groups, Redis], postgres: str) -> None:
    one, other = FINGERPRINTS[:2]
    errors.add_errors({"event_id": "e1", "fingerprint": one})
    with connect(postgres) as db:
        merge_groups(db, "p", [one], other, by="test")
    reader = Reader(errors.url)
    async with (
        client(reader, groups=listening[0]) as api,
        client(reader, groups=Groups(Postgres(NO_POSTGRES))) as without_postgres,
    ):
        event = (await api.get("/api/v1/events/e1")).json()
        assert (event["fingerprint"], event["group"]) == (one, other)
        assert (await without_postgres.get("/api/v1/events/e1")).json()["group"] is None
    await reader.close()


async def _is_heard(redis: Redis) -> bool:
    return bool(await redis.call("PUBSUB", "NUMSUB", MERGES) == [MERGES.encode(), 1])


async def _is_merged(groups: Groups, one: str, other: str) -> bool:
    return (await groups.of("p")).head_of(one) == other
