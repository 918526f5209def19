"""Turns of changes to what people have made: of one project one at a time."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.turns import Turns

AT_ONCE, WAITING = 4, 32
"""Changes of one kind at the same time, of one project one; those that wait for them. Any more get 503."""

T = TypeVar("T")


def turns() -> Turns:
    """Whose change is next."""
    return Turns(AT_ONCE, WAITING, each=1)


async def in_turn(turns: Turns, project_id: str, change: Callable[[], Awaitable[T]]) -> T:
    """Make a change when it is the project's turn: each takes a connection of its own. Raises `Unavailable`."""
    await turns.take(project_id)
    try:
        return await change()
    finally:
        turns.give_back(project_id)
