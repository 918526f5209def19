"""Lengths of time and money as pages write them."""

import pytest

from gateway.query.pages.durations import duration_ticks, lasting, round_step
from gateway.query.pages.money import money


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "0 ms"),
        (500, "0.5 ms"),
        (12_000, "12 ms"),
        (999_999, "999.999 ms"),
        (3_184_000, "3.184 s"),
        (59_000_000, "59 s"),
        (125_000_000, "2 m 5 s"),
        (3_840_000_000, "1 h 4 m"),
        (10**18, "277,777,777 h 46 m"),
    ],
)
def test_a_length_has_the_unit_that_fits(us: int, text: str) -> None:
    assert lasting(us) == text


def test_the_ticks_of_a_length_are_round_and_few() -> None:
    assert [(tick.x, tick.text, tick.anchor) for tick in duration_ticks(3_184_000)[:3]] == [
        (0.0, "0 ms", "start"),
        (15.7, "500 ms", "middle"),
        (31.41, "1 s", "middle"),
    ]
    for us in (1, 7, 999, 10**6, 10**15):
        assert 1 <= len(duration_ticks(us)) <= 8


@pytest.mark.parametrize(("least", "step"), [(0, 1), (1, 1), (3, 5), (6, 10), (10, 10), (11, 20), (454, 500)])
def test_steps_are_1_2_5(least: int, step: int) -> None:
    assert round_step(least) == step


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (0.0, "$0"),
        (0.0000062, "$0.0000062"),
        (0.0027, "$0.0027"),
        (0.0999, "$0.10"),
        (3.4, "$3.40"),
        (999.99, "$999.99"),
        (2118.4, "$2,118"),
        (1e-20, "$0.000000000000"),
    ],
)
def test_money_has_two_digits_that_matter(dollars: float, text: str) -> None:
    assert money(dollars) == text
