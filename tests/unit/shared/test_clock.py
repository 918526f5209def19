"""The clock that a test can make wrong."""

import time

import pytest

from shared.clock import clock


def test_without_an_offset_it_is_the_machines_own_and_costs_nothing() -> None:
    assert clock(0.0) is time.time_ns


@pytest.mark.parametrize("offset_s", [3600.0, -3600.0, 0.5])
def test_with_an_offset_it_is_that_far_off(offset_s: float) -> None:
    now = clock(offset_s)
    before, read, after = time.time_ns(), now(), time.time_ns()
    assert before <= read - int(offset_s * 1e9) <= after
