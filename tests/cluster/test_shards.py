"""Two servers of ClickHouse, a shard each: made, changed and looked at node by node (storage.md, "Several servers")."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import Response

from deploy.local.clickhouse import ClickHouse as Server
from deploy.local.clusters import CLUSTER, remote_servers
from deploy.local.engine import Unavailable
from deploy.local.ports import free_port
from gateway.query.partial import may_be_partial
from gateway.query.reader import Reader
from gateway.rejections import Unavailable as NoAnswer
from shared.clients.clickhouse import ClickHouse
from shared.clients.clickhouse_nodes import Node, UnknownCluster
from shared.migrations.clickhouse import migrate_clickhouse
from shared.migrations.one_server import Changes
from shared.queue.base import Lane
from shared.settings import Storage
from shared.signals.base import Table
from shared.signals.logs import LOGS
from shared.signals.traces import SIGNAL as TRACES
from tests.blocks import block_of
from tests.conftest import absent
from tests.sluice import called
from writer.row_range import RowRange
from writer.sink import Sink
from writer.tables import MissingTable, UnfitTable
from writer.wire.block import Block

SPANS = TRACES.table
STORAGE = Storage(cluster=CLUSTER)
NOW_US = 1_790_000_000_000_000


class Shards:
    """Two servers, of which the first `known` are a shard each; the second one can be stopped."""

    def __init__(self, folder: Path, ports: Sequence[int], known: int = 2) -> None:
        extra = remote_servers(ports[:known], "a secret")
        self.first, self.second = (
            Server(folder / name, port=port, password="pw", extra_config=extra)
            for name, port in zip("ab", ports, strict=True)
        )
        self.database = ""

    @property
    def url(self) -> str:
        return urlsplit(self.first.url)._replace(path=f"/{self.database}").geturl()

    def migrate(
        self, *, tables: Sequence[Table] = (LOGS, SPANS), allow_destructive: bool = False, storage: Storage = STORAGE
    ) -> Changes:
        return migrate_clickhouse(self.url, tables, storage, fsync=False, allow_destructive=allow_destructive)

    async def migrate_logs(self) -> Changes:
        return await asyncio.to_thread(self.migrate, tables=[LOGS])

    def on(self, server: Server, sql: str) -> list[tuple[object, ...]]:
        with closing(ClickHouse(urlsplit(server.url)._replace(path=f"/{self.database}").geturl())) as connection:
            return connection.query(sql)

    def counts(self, where: str = "1") -> list[int]:
        """Rows of logs in each shard."""
        found = (
            self.on(server, f"SELECT count() FROM logs_local WHERE {where}") for server in (self.first, self.second)
        )
        return [int(str(rows[0][0])) for rows in found]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shards]:
    shards = Shards(tmp_path_factory.mktemp("shards"), [free_port(), free_port()])
    with ExitStack() as stack:
        try:
            stack.enter_context(shards.first)
            stack.enter_context(shards.second)
        except Unavailable as error:
            absent("clickhouse", error)
        yield shards


@pytest.fixture
def shards(servers: Shards, request: pytest.FixtureRequest) -> Iterator[Shards]:
    """With a database of the test's own, empty."""
    servers.database = f"test_{abs(hash(request.node.name)) % 10**9}"
    yield servers
    servers.database = ""


@asynccontextmanager
async def sink_on(shards: Shards) -> AsyncIterator[Sink]:
    sink = Sink(shards.url, threads=4, timeout_s=30.0, storage=STORAGE)
    try:
        yield sink
    finally:
        sink.close()


async def insert(sink: Sink, partition: int, token: str, first: int = 0) -> None:
    async def ready() -> None:
        pass

    await sink.insert(LOGS, Lane("logs", partition), lane_rows(partition, first), token, ready=ready)


def lane_rows(partition: int, first: int = 0, rows: int = 10) -> Block:
    usual = {column.name: [column.default] * rows for column in LOGS.columns}
    own = {
        "project_id": ["p"] * rows,
        "received_at": [NOW_US] * rows,
        "timestamp": [NOW_US] * rows,
        "retention_days": [3650] * rows,
        "level": ["info"] * rows,
        "_topic": ["logs"] * rows,
        "_partition": [partition] * rows,
        "_offset": [*range(first, first + rows)],
    }
    return block_of(LOGS, usual | own)


def test_tables_are_made_on_each_node_and_a_second_run_finds_nothing_to_do(shards: Shards) -> None:
    made = shards.migrate()
    assert len([each for each in made.done if "created the table" in each]) == 8
    assert not made.conflicts
    assert shards.migrate() == Changes()


def test_what_differs_on_one_node_is_named_and_mended_there(shards: Shards) -> None:
    shards.migrate()
    shards.on(shards.second, "ALTER TABLE spans_local DROP COLUMN status")
    shards.on(shards.second, "ALTER TABLE spans_local MODIFY SETTING non_replicated_deduplication_window = 0")
    made = shards.migrate()
    assert len(made.done) == 2
    assert all(f":{shards.second.port}: " in each for each in made.done)
    assert shards.migrate() == Changes()


def test_a_column_that_no_signal_has_goes_from_the_table_over_all_nodes_first(shards: Shards) -> None:
    shards.migrate(tables=[LOGS])
    for server in (shards.first, shards.second):
        for table in ("logs_local", "logs"):
            shards.on(server, f"ALTER TABLE {table} ADD COLUMN old String")
    assert len(shards.migrate(tables=[LOGS]).left_alone) == 2
    done = shards.migrate(tables=[LOGS], allow_destructive=True).done
    assert ["logs_local" in each for each in done] == [False, False, True, True]
    assert shards.migrate(tables=[LOGS]) == Changes()


def test_another_sharding_key_is_left_until_it_is_allowed(shards: Shards) -> None:
    shards.migrate(tables=[LOGS])
    shards.on(shards.first, "DROP TABLE logs SYNC")
    former = f"Distributed('{CLUSTER}', '{shards.database}', 'logs_local', cityHash64(_topic, _partition, _offset))"
    shards.on(shards.first, f"CREATE TABLE logs AS logs_local ENGINE = {former}")
    assert "stop all writers" in shards.migrate(tables=[LOGS]).left_alone[0]
    assert "spread by lane" in shards.migrate(tables=[LOGS], allow_destructive=True).done[0]
    assert shards.migrate(tables=[LOGS]) == Changes()


def test_a_table_of_a_time_without_a_cluster_is_named_and_nothing_of_it_is_touched(shards: Shards) -> None:
    shards.migrate(storage=Storage())
    shards.on(shards.first, "ALTER TABLE logs ADD COLUMN old String")
    made = shards.migrate(allow_destructive=True)
    assert len(made.conflicts) == 2
    assert "RENAME TABLE logs TO logs_local" in "".join(made.conflicts)
    assert shards.on(shards.first, "EXISTS logs_local") == [(0,)]
    assert shards.on(shards.first, "SELECT count() FROM logs WHERE old = ''") == [(0,)]
    for table in ("logs", "spans"):
        shards.on(shards.first, f"RENAME TABLE {table} TO {table}_local")
    assert not shards.migrate().conflicts
    assert shards.migrate().done == []


def test_a_type_that_differs_in_the_local_tables_is_named_and_one_above_them_mended(shards: Shards) -> None:
    shards.migrate(tables=[LOGS])
    shards.on(shards.first, "ALTER TABLE logs_local ADD COLUMN old String")
    shards.on(shards.first, "ALTER TABLE logs ADD COLUMN old String")
    for server in (shards.first, shards.second):
        shards.on(server, "ALTER TABLE logs_local MODIFY COLUMN line_number UInt64")
    made = shards.migrate(tables=[LOGS], allow_destructive=True)
    assert len([each for each in made.conflicts if "column line_number is UInt64" in each]) == 2
    assert [each for each in made.done if "column old" in each] == []  # nothing goes while it conflicts
    for server in (shards.first, shards.second):
        shards.on(server, "ALTER TABLE logs_local MODIFY COLUMN line_number UInt32")
        shards.on(server, "ALTER TABLE logs MODIFY COLUMN line_number UInt64")
    done = shards.migrate(tables=[LOGS]).done
    assert len([each for each in done if "its columns have the types of logs_local" in each]) == 2
    assert shards.migrate(tables=[LOGS]).done == []


async def test_a_shard_that_is_away_is_named_and_gets_its_tables_by_another_run(shards: Shards) -> None:
    shards.second.stop()
    try:
        made = await shards.migrate_logs()
        assert len([each for each in made.done if "_local" in each]) == 1
        assert f":{shards.second.port} is away" in made.conflicts[0]
        assert "run `sluice migrate` again" in made.conflicts[0]
    finally:
        shards.second.start()
    async with sink_on(shards) as sink:
        with pytest.raises(MissingTable, match="run `sluice migrate`"):
            await sink.check(LOGS)
        await shards.migrate_logs()
        await sink.check(LOGS)
        await insert(sink, 0, "t")
    assert sum(shards.counts()) == 10


async def test_a_table_that_is_unfit_on_one_node_is_not_written_to(shards: Shards) -> None:
    await shards.migrate_logs()
    shards.on(shards.second, "ALTER TABLE logs_local MODIFY SETTING non_replicated_deduplication_window = 0")
    async with sink_on(shards) as sink:
        with pytest.raises(UnfitTable, match=rf"logs_local on .*:{shards.second.port} remembers no inserts"):
            await insert(sink, 0, "t")
    assert shards.counts() == [0, 0]


async def test_a_lane_lies_in_one_shard_and_the_lanes_lie_in_both(shards: Shards) -> None:
    await shards.migrate_logs()
    async with sink_on(shards) as sink:
        for partition in range(8):
            for _ in range(2):  # the second time under a known token
                await insert(sink, partition, f"t{partition}")
    assert shards.counts() == [40, 40]
    assert all(sorted(shards.counts(f"_partition = {partition}")) == [0, 10] for partition in range(8))


async def test_a_shard_that_is_added_gets_its_tables_and_its_lanes_and_what_is_stored_is_found(tmp_path: Path) -> None:
    ports = [free_port(), free_port()]
    before, after = Shards(tmp_path, ports, known=1), Shards(tmp_path, ports)
    before.database = after.database = "grown"
    with before.first:
        await before.migrate_logs()
        async with sink_on(before) as sink:
            for partition in range(8):
                await insert(sink, partition, f"t{partition}")
    with after.first, after.second:
        made = await after.migrate_logs()
        assert not made.conflicts
        assert all(f":{after.second.port}: " in each for each in made.done)
        async with sink_on(after) as sink:
            for partition in range(8):  # as a lane that was taken over looks, wherever its new rows go
                rows = RowRange(Lane("logs", partition), 0, 9, NOW_US, NOW_US)
                assert len(await sink.keys(LOGS, rows)) == 10
                await insert(sink, partition, f"u{partition}", first=10)
        assert after.counts("_offset < 10") == [80, 0]
        assert after.counts("_offset >= 10") == [40, 40]


async def test_rows_are_deleted_in_the_shard_that_holds_them(shards: Shards) -> None:
    await shards.migrate_logs()
    async with sink_on(shards) as sink:
        for partition in range(2):
            await insert(sink, partition, f"t{partition}")
        for partition in range(2):
            rows = RowRange(Lane("logs", partition), 0, 4, NOW_US, NOW_US)
            await sink.delete(LOGS, rows, await sink.keys(LOGS, rows), [])
        assert await sink.under_way(LOGS) == 0
    assert shards.counts() == [5, 5]


async def test_where_no_node_answers_at_its_address_the_connected_server_is_looked_at(
    shards: Shards, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shards.migrate_logs()
    monkeypatch.setattr(Node, "url", lambda *_: "clickhouse://nobody@127.0.0.1:1/none")  # seen from here only
    async with sink_on(shards) as sink:
        await insert(sink, 0, "t")
    shards.on(shards.first, "ALTER TABLE logs_local MODIFY SETTING non_replicated_deduplication_window = 0")
    async with sink_on(shards) as sink:
        with pytest.raises(UnfitTable, match="remembers no inserts"):
            await insert(sink, 1, "u")


async def test_an_answer_may_leave_out_a_shard_that_is_away_and_says_so(shards: Shards) -> None:
    await asyncio.to_thread(shards.migrate)
    async with sink_on(shards) as sink:
        for partition in range(8):
            await insert(sink, partition, f"t{partition}")
    reader = Reader(shards.url, partial_over=CLUSTER)
    count = f"SELECT count() FROM `{shards.database}`.logs"

    async def endpoint(_: Request) -> Response:
        return Response(str((await reader.query(count, {}))[0][0]))

    async def answer() -> Response:
        return await asyncio.create_task(may_be_partial(endpoint)(Request({"type": "http"})))

    whole = await answer()
    assert (whole.body, whole.headers.get("X-Shards-Missing")) == (b"80", None)
    shards.second.stop()
    try:
        for partial in (await answer(), await answer()):
            assert (partial.body, partial.headers["X-Shards-Missing"]) == (b"40", "2")
            assert partial.headers["X-Complete-Up-To"] == "null"
            assert "these shards can't be reached: 2" in partial.headers["X-Complete-Reason"]
        with pytest.raises(NoAnswer):
            await reader.query(count, {})  # of something that may lack no shard
    finally:
        shards.second.start()
    reader._shards._until = 0.0
    assert (await answer()).body == b"80"
    await reader.close()


def test_the_command_names_a_node_that_is_away_and_does_the_others(
    shards: Shards, postgres_database: str, tmp_path: Path
) -> None:
    environment = {
        "SLUICE_CLICKHOUSE_URL": shards.url,
        "SLUICE_CLICKHOUSE_CLUSTER": CLUSTER,
        "SLUICE_POSTGRES_URL": postgres_database,
        "SLUICE_QUEUE_URL": f"sqlite:///{tmp_path}/queue.db",
    }
    readers = urlsplit(shards.first.read_url)._replace(path=f"/{shards.database}").geturl()
    shards.second.stop()
    try:
        ended = called(["migrate"], environment)
        shards.on(shards.first, "ALTER TABLE spans_local DROP COLUMN status")
        found = called(["doctor", "--json"], environment).json["findings"]
        weak = called(["doctor", "--json"], {**environment, "SLUICE_CLICKHOUSE_URL": readers}).json["findings"]
    finally:
        shards.second.start()
    assert ended.code == 1
    assert f":{shards.second.port} is away" in ended.err
    assert "created the table logs_local" in ended.out
    there, away = (
        [each["sentence"] for each in found if each["part"] == f"clickhouse 127.0.0.1:{server.port}"]
        for server in (shards.first, shards.second)
    )
    assert ["can't be reached" in sentence for sentence in away] == [True]
    assert any("there is no table logs:" in sentence for sentence in there)
    assert any("would have added the column status: run `sluice migrate`" in sentence for sentence in there)
    assert any("lacks INSERT, ALTER DELETE: GRANT INSERT" in each["sentence"] for each in weak)
    assert called(["migrate"], environment).code == 0


def test_a_cluster_that_the_server_does_not_know_is_refused(shards: Shards) -> None:
    with pytest.raises(UnknownCluster, match="SLUICE_CLICKHOUSE_CLUSTER"):
        shards.migrate(storage=Storage(cluster="other"))


def test_the_address_of_a_node_has_the_user_and_options_of_the_known_one() -> None:
    url = "clickhouses://u:p@one:9440/sluice?ca_certs=/ca.pem&alt_hosts=three:9440&round_robin=1"
    assert Node(1, 1, "two", 9441).url(url) == "clickhouses://u:p@two:9441/sluice?ca_certs=/ca.pem"
    assert Node(1, 1, "::1", 9000).url("clickhouse://one/x") == "clickhouse://[::1]:9000/x"
