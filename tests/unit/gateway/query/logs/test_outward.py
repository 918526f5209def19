"""The steps in which a log's neighbours are looked for (reading.md, "The logs around one")."""

from itertools import pairwise

import pytest

from gateway.query.language import EVERYTHING, Node
from gateway.query.language.nodes import Text
from gateway.query.logs.counts import Counts
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.outward import REACH_US, steps_outward
from gateway.query.steps import BUCKET_US
from shared.formats.values import EARLIEST_US, LATEST_US

NOON = 1_768_478_400_000_000
NEAR = Counts({NOON + n * BUCKET_US: 300_000 for n in range(-4, 5)}, 2_700_000)


@pytest.mark.parametrize("moment", [NOON, EARLIEST_US, EARLIEST_US + 1, LATEST_US, LATEST_US - REACH_US + 1])
def test_steps_cover_the_reach_on_one_side_once(moment: int) -> None:
    older = steps_outward("p", LogQuery(), moment, NEAR, older=True)
    assert older[0].end == moment
    assert older[-1].start == max(moment - REACH_US, EARLIEST_US)
    assert all(after.end == before.start - 1 for before, after in pairwise(older))
    newer = steps_outward("p", LogQuery(), moment, NEAR, older=False)
    assert newer[0].start == moment
    assert newer[-1].end == min(moment + REACH_US, LATEST_US)
    assert all(before.end + 1 == after.start for before, after in pairwise(newer))


@pytest.mark.parametrize(
    ("column", "q", "n"), [("trace_id", EVERYTHING, 1), ("trace_id", Text("paid"), 5), ("service", EVERYTHING, 5)]
)
def test_an_index_looks_at_all_of_them_at_once(column: str, q: Node, n: int) -> None:
    assert len(steps_outward("p", LogQuery(equal=((column, "x"),), q=q), NOON, NEAR, older=True)) == n
