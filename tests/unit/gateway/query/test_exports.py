"""How many exports may run (reading.md, "Export")."""

from contextlib import ExitStack

import pytest

from gateway.query.exports import MOST, MOST_OF_PROJECT, Slots, TooManyExports


def test_a_process_has_so_many_and_a_project_fewer() -> None:
    slots = Slots()
    with ExitStack() as running:
        for project in range(MOST // MOST_OF_PROJECT):
            for _ in range(MOST_OF_PROJECT):
                running.enter_context(slots.taken(f"{project}"))
        with pytest.raises(TooManyExports), slots.taken("another"):
            pass
    with slots.taken("p"), slots.taken("p"):
        with pytest.raises(TooManyExports), slots.taken("p"):
            pass
        with slots.taken("q"):
            pass
    with slots.taken("p"):
        pass
