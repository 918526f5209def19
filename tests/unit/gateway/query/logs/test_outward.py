"""The windows in which a log's neighbours are looked for (reading.md, "The logs around one")."""

from itertools import pairwise

import pytest

from gateway.query.logs.outward import REACH_US, windows
from shared.formats.values import EARLIEST_US, LATEST_US

NOON = 1_768_478_400_000_000


@pytest.mark.parametrize("moment", [NOON, EARLIEST_US, EARLIEST_US + 1, LATEST_US, LATEST_US - REACH_US + 1])
def test_windows_cover_the_reach_on_one_side_once(moment: int) -> None:
    older = [*windows(moment, older=True)]
    assert older[0].end == moment
    assert older[-1].start == max(moment - REACH_US, EARLIEST_US)
    assert all(after.start - 1 == before.end for after, before in pairwise(older))
    newer = [*windows(moment, older=False)]
    assert newer[0].start == moment
    assert newer[-1].end == min(moment + REACH_US, LATEST_US)
    assert all(before.end + 1 == after.start for before, after in pairwise(newer))
