"""The WHERE clause of a query: through the primary key, and never with a client's text in the statement."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.query.logs.conditions import matching
from gateway.query.logs.filters import LogQuery
from gateway.query.paging import beyond
from gateway.query.place import Place

NOON = 1_768_478_400_000_000


@given(st.text(), st.text(min_size=1), st.text(min_size=1))
def test_no_value_becomes_part_of_the_statement(search: str, key: str, value: str) -> None:
    similar = "s" if search.isascii() and "\0" not in search else "ß"
    usual = matching("p", LogQuery(search=similar, attributes=(("k", "v"),), equal=(("service", "x"),)))
    ours = matching(
        value, LogQuery(search=search, attributes=((key.replace(".", ""), f"{value}x"),), equal=(("service", value),))
    )
    assert [condition.sql for condition in ours] == [condition.sql for condition in usual]


def test_every_query_begins_with_the_project_and_bounds_the_arrival() -> None:
    sql = [condition.sql for condition in matching("p", LogQuery(start=NOON, search="x"))]
    assert sql[:3] == [
        "project_id = %(project_id)s",
        "timestamp >= fromUnixTimestamp64Micro(%(start)s)",
        "indexHint(received_at >= fromUnixTimestamp64Micro(%(arrived)s))",
    ]
    assert beyond(Place(1, 2, 3, 4, 5, "logs"), descending=True)[0].sql.startswith("timestamp <=")


def test_a_text_is_compared_as_it_was_stored() -> None:
    _, condition = matching("p", LogQuery(equal=(("trace_id", "a\0b" + "c" * 600),)))
    assert condition.values == {"trace_id": "a\ufffdb" + "c" * 509}
