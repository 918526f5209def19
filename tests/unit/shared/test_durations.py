"""Durations on the command line."""

from datetime import timedelta

import pytest
import typer

from shared.commands.common import duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("90s", 90), ("30m", 1800), ("24h", 86400), ("7d", 604800), ("0s", 0)]
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "h", "24", "-1h", "1.5h", "24 h", "24w", "\u0665h", "99999999999999d"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"duration|too long"):
        duration(text)
