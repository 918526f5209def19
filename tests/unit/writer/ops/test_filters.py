"""The options by which `sluice dlq` chooses letters (writer/ops/dlq/filters.py)."""

import pytest
import typer
from typer.testing import CliRunner

from writer.ops.dlq.filters import Filters, filtered
from writer.ops.letters import Chosen


def test_what_is_left_out_is_not_limited() -> None:
    assert Filters().chosen() == Chosen()


def test_one_offset_is_a_range_of_one() -> None:
    assert Filters(offset=7).chosen().offsets == (7, 7)
    assert Filters(offsets="3-5").chosen().offsets == (3, 5)


def test_an_unknown_reason_or_state_is_refused_with_the_known_ones() -> None:
    with pytest.raises(typer.BadParameter, match="no reason 'odd'; there are undecodable"):
        Filters(reason=["odd"]).chosen()
    with pytest.raises(typer.BadParameter, match="no state 'odd'; there are open"):
        Filters().chosen(states=["odd"])


def test_each_field_is_an_option_before_the_command_s_own() -> None:
    seen: list[tuple[Filters, int]] = []
    app = typer.Typer()

    @app.command()
    @filtered
    def command(filters: Filters, limit: int = 3) -> None:
        seen.append((filters, limit))

    arguments = ["--signal", "logs", "--reason", "refused", "--partition", "1", "--offset", "2", "--limit", "4"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert seen == [(Filters(signal=["logs"], reason=["refused"], partition=[1], offset=2), 4)]
