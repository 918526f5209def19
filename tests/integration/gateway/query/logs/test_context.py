"""One log, and the logs around it (reading.md, "One log", "The logs around one")."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.as_of import AsOf, encode_as_of
from gateway.query.logs import outward, plan
from gateway.query.logs.columns import COLUMNS, KEYS
from gateway.query.logs.outward import REACH_US
from gateway.query.place import PLACE_COLUMNS, encode_place
from gateway.query.times import format_time, parse_time
from shared.signals.logs import LOGS as TABLE
from tests.examples import examples
from tests.integration.gateway.query.explaining import Explaining
from tests.integration.gateway.query.read_api import NOON, Asker, Store, client, temporary_store

LOGS = "/api/v1/projects/p/logs"
MINUTE, HOUR = 60_000_000, 3_600_000_000
ALIKE = {"service": "service", "trace": "trace_id", "request": "request_id"}
Row = dict[str, Any]


class Rows(list[Row]):
    """hypothesis prints what a test got."""

    def __repr__(self) -> str:
        return f"{len(self)} rows"


def log(random: Random, n: int) -> Row:
    """Often with the time of others, or far away."""
    moments = [NOON, NOON, NOON + 1, NOON + random.randrange(-MINUTE, MINUTE), NOON + random.randrange(-40, 40) * HOUR]
    return {
        "message": f"{n}",
        "timestamp": (moment := random.choice(moments)),
        "received_at": moment + random.choice([0, 0, 1, MINUTE]),
        "service": random.choice(["", "api", "web"]),
        "trace_id": random.choice(["", "t1", "t2"]),
        "request_id": random.choice(["", "r1"]),
        "user_id": random.choice(["", "", "u1"]),
        "user_email": random.choice(["", "a@b.example"]),
        "level": random.choice(["info", "error"]),
        "_topic": random.choice(["logs", "drain"]),
        "_partition": random.randrange(3),
        "_offset": n // 3,
        "_index": n % 3,
    }


@pytest.fixture(scope="module")
def store(clickhouse_url: str) -> Iterator[Store]:
    random = Random(11)
    with temporary_store(clickhouse_url) as made:
        for first in (0, 250):
            made.add_logs(*(log(random, first + n) for n in range(250)))
        made.add_logs(*({**log(random, 500 + n), "project_id": "q"} for n in range(100)))
        yield made


@pytest.fixture(scope="module")
def api(store: Store) -> Iterator[Asker]:
    with Asker(store) as made:
        yield made


@pytest.fixture(scope="module")
def rows(store: Store) -> Rows:
    """Every log of project `p`, in order."""
    names = TABLE.column_names
    select = ", ".join(f"toUnixTimestamp64Micro({name})" if name in PLACE_COLUMNS[:2] else name for name in names)
    found = store.clickhouse.query(
        f"SELECT {select} FROM logs WHERE project_id = 'p' ORDER BY {', '.join(PLACE_COLUMNS)}"
    )
    return Rows(dict(zip(names, row, strict=True)) for row in found)


def ref_of(row: Row) -> str:
    return encode_place([row[name] for name in PLACE_COLUMNS])


def like(row: Row, by: str) -> tuple[str, str]:
    """The column by which this log's neighbours are found, and its value."""
    if by == "user":
        return ("user_id", row["user_id"]) if row["user_id"] else ("user_email", row["user_email"])
    return ("project_id", "p") if by == "all" else (ALIKE[by], row[ALIKE[by]])


def neighbours(rows: list[Row], row: Row, by: str) -> tuple[list[str], list[str]]:
    """The messages before and after a log within reach, in order."""
    column, value = like(row, by)
    if not value and by != "service":
        return [], []
    near = [each for each in rows if each[column] == value and abs(each["timestamp"] - row["timestamp"]) <= REACH_US]
    place = [row[name] for name in PLACE_COLUMNS]
    before = [each["message"] for each in near if [each[name] for name in PLACE_COLUMNS] < place]
    return before, [each["message"] for each in near if [each[name] for name in PLACE_COLUMNS] > place]


@pytest.fixture(params=[500_000, 100], ids=["in one step", "in many steps"])
def step(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MAX_ROWS", request.param)


@examples(10)
@given(
    st.integers(0, 499), st.sampled_from([*ALIKE, "user", "all"]), st.integers(0, 60), st.sampled_from([0, 1, 50, 500])
)
def test_the_logs_around_one_are_its_neighbours_in_the_total_order(
    api: Asker, rows: Rows, step: None, n: int, by: str, before: int, after: int
) -> None:
    row = rows[n]
    found = api.found(f"{LOGS}/{ref_of(row)}/context", by=by, before=before, after=after)
    older, newer = neighbours(rows, row, by)
    assert [each["message"] for each in found["before"]] == older[len(older) - min(before, len(older)) :]
    assert found["log"]["message"] == row["message"]
    assert [each["message"] for each in found["after"]] == newer[:after]
    assert (found["by"], found["value"]) == (by, None if by == "all" else like(row, by)[1] or None)
    if not (older or newer):
        return
    start, end = (parse_time(found["searched"][edge]) for edge in ("start", "end"))
    inside = [each["message"] for each in rows if start < each["timestamp"] < end]
    assert set(inside) & {*older, *newer} <= {each["message"] for each in found["before"] + found["after"]}
    if len(older) < before:
        assert start == row["timestamp"] - REACH_US


def test_one_log_has_every_column_and_each_row_of_a_list_can_say_where_it_is(api: Asker, rows: Rows) -> None:
    include = ",".join(name for name in [*COLUMNS, "ref"] if name not in KEYS)
    listed = [log for page in api.pages(LOGS, limit=300, include=include) for log in page["logs"]]
    assert [log["ref"] for log in listed] == [ref_of(row) for row in reversed(rows)]
    for log, row in list(zip(listed, reversed(rows), strict=True))[::40]:
        found = api.found(f"{LOGS}/{log.pop('ref')}")
        assert found["log"] == log
        assert list(found["log"]) == list(COLUMNS)
        assert [found["log"][name] for name in ("_topic", "_partition", "_offset", "_index")] == [
            row[name] for name in ("_topic", "_partition", "_offset", "_index")
        ]
        assert parse_time(found["log"]["received_at"]) == row["received_at"]
        assert found["ref"] == ref_of(row)
        moment = format_time(row["timestamp"])
        assert found["range"] == {"start": moment, "end": moment}


@pytest.mark.parametrize("below", ["", "/", "/context", "/context/"])
def test_a_log_that_is_not_there_is_404_and_says_why(store: Store, api: Asker, rows: Rows, below: str) -> None:
    theirs = store.clickhouse.query(
        "SELECT toUnixTimestamp64Micro(timestamp), toUnixTimestamp64Micro(received_at), _partition, _offset, _index,"
        " _topic FROM logs WHERE project_id = 'q' LIMIT 1"
    )[0]
    gone = ref_of({**rows[0], "_index": 77})
    for ref in (
        encode_place(theirs),
        gone,
        "volume7",
        "%C3%BC",
        encode_place([1, 2, 3]),
        encode_place([-(10**17)] * 6),
    ):
        answer = api.get(f"{LOGS}/{ref}{below}")
        assert answer.status_code == 404, ref
        assert "no longer kept" in answer.json()["detail"]


def test_neighbours_can_be_narrowed_to_a_query_and_a_state(api: Asker, rows: Rows) -> None:
    row = next(row for row in rows if row["timestamp"] == NOON)
    near = [each for each in rows if abs(each["timestamp"] - NOON) <= REACH_US and each is not row]
    state = AsOf(NOON, {"logs": (20, 40, 160)})
    found = api.found(
        f"{LOGS}/{ref_of(row)}/context", by="all", before=500, after=500, q="level:error", as_of=encode_as_of(state)
    )
    expected = [
        each["message"] for each in near if each["level"] == "error"
        and (each["received_at"] < NOON - 10 * MINUTE
             or (each["_topic"] == "logs" and each["_offset"] < state.ends["logs"][each["_partition"]]))
    ]  # fmt: skip
    assert [each["message"] for each in found["before"] + found["after"]] == expected
    assert found["as_of"] == encode_as_of(state)
    assert 0 < len(expected) < sum(each["level"] == "error" for each in near)


def test_it_stops_where_too_many_rows_were_looked_at(api: Asker, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MAX_ROWS", 7)
    monkeypatch.setattr(outward, "MOST_ROWS", 100)
    row = next(row for row in rows if row["timestamp"] == NOON)
    found = api.found(f"{LOGS}/{ref_of(row)}/context", by="all", before=500, after=500)
    edges = parse_time(found["searched"]["start"]), parse_time(found["searched"]["end"])
    assert NOON - REACH_US < edges[0] <= NOON <= edges[1] < NOON + REACH_US
    inside = [each["message"] for each in rows if edges[0] <= each["timestamp"] <= edges[1] and each is not row]
    assert [each["message"] for each in found["before"] + found["after"]] == inside
    assert inside


def test_bad_parameters_are_named(api: Asker, rows: Rows) -> None:
    answer = api.get(f"{LOGS}/{ref_of(rows[0])}/context", by="colour", before=501, include="password", last="1h")
    assert answer.status_code == 422
    assert [issue["loc"][1] for issue in answer.json()["detail"]] == ["by", "before", "include", "last"]


async def test_the_primary_key_finds_them(store: Store, rows: Rows) -> None:
    reader = Explaining(store.url)
    async with client(reader) as http:
        assert (await http.get(f"{LOGS}/{ref_of(rows[9])}/context?by=all")).status_code == 200
    await reader.close()
    assert len(reader.plans) == 4
    for lines in reader.plans:
        for used in ("PrimaryKey", "project_id"):
            assert used in lines, lines
    (at,) = [plan for plan in reader.plans if "Sorting" not in plan]
    assert "timestamp" in at
    assert "received_at" in at


def test_large_neighbours_end_a_list_early(clickhouse_url: str) -> None:
    with temporary_store(clickhouse_url) as store, Asker(store) as api:
        store.add_logs(*({"message": f"{n} " + "\x01" * 400_000, "timestamp": NOON + n} for n in range(41)))
        ref = encode_place([NOON + 20, NOON + 20, 0, 21, 0, "logs"])
        answer = api.get(f"{LOGS}/{ref}/context")
        found = answer.json()
        assert len(answer.content) < 35_000_000
        assert [each["message"].partition(" ")[0] for each in found["before"] + [found["log"]] + found["after"]] == [
            str(20 + n) for n in range(-len(found["before"]), len(found["after"]) + 1)
        ]
        assert 0 < len(found["before"]) < 20
        assert found["searched"]["start"] == found["before"][0]["timestamp"]
