"""One tenant's work doesn't keep another's from running."""

import asyncio

import pytest

from gateway.rejections import Unavailable
from gateway.turns import Turns


async def asked(turns: Turns, project_id: str, n: int = 1) -> "list[asyncio.Task[None]]":
    tasks = [asyncio.create_task(turns.take(project_id)) for _ in range(n)]
    await asyncio.sleep(0)
    return tasks


async def settled() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def running(tasks: "list[asyncio.Task[None]]") -> int:
    return sum(task.done() and not task.cancelled() and task.exception() is None for task in tasks)


async def test_a_project_has_at_most_half_of_the_turns() -> None:
    turns = Turns(4, 64)
    dear = await asked(turns, "dear", 50)
    other = await asked(turns, "other", 2)
    assert (running(dear), running(other)) == (2, 2)


async def test_a_single_turn_is_everybodys() -> None:
    turns = Turns(1, 16)
    assert running(await asked(turns, "p")) == 1
    waiting = await asked(turns, "p")
    turns.give_back("p")
    await settled()
    assert running(waiting) == 1


async def test_projects_that_wait_come_in_rotation_and_each_in_its_order() -> None:
    turns = Turns(1, 64)
    await asked(turns, "first")
    waiting = {"a": await asked(turns, "a", 3), "b": await asked(turns, "b", 2), "c": await asked(turns, "c")}
    order, holder = [], "first"
    for _ in range(6):
        before = {name: running(tasks) for name, tasks in waiting.items()}
        turns.give_back(holder)
        await settled()
        (holder,) = [name for name, tasks in waiting.items() if running(tasks) != before[name]]
        order.append(holder)
        assert all(task.done() for task in waiting[holder][: running(waiting[holder])])
    assert order == ["a", "b", "c", "a", "b", "a"]


async def test_in_a_full_line_the_newest_of_the_longest_gives_way() -> None:
    turns = Turns(1, 8)
    await asked(turns, "dear")
    dear = await asked(turns, "dear", 8)
    other = await asked(turns, "other", 4)
    await settled()
    refused = [task for task in dear if task.done()]
    assert refused == dear[4:]
    assert all(isinstance(task.exception(), Unavailable) for task in refused)
    assert not any(task.done() for task in other)
    with pytest.raises(Unavailable):
        await turns.take("dear")
    with pytest.raises(Unavailable):
        await turns.take("other")


async def test_who_leaves_while_waiting_gets_no_turn_and_takes_none_away() -> None:
    turns = Turns(1, 8)
    await asked(turns, "p")
    gone, stays = await asked(turns, "q", 2)
    gone.cancel()
    turns.give_back("p")  # before the cancelled one has run
    await settled()
    assert running([stays]) == 1
    late = (await asked(turns, "r"))[0]
    turns.give_back("q")
    late.cancel()  # it has got its turn, and does not know yet
    await settled()
    assert running(await asked(turns, "s")) == 1


async def test_seventy_two_dear_queries_refuse_nobody_else() -> None:
    turns = Turns(4, 64)
    await asked(turns, "dear", 72)

    async def read() -> None:
        await turns.take("other")
        await asyncio.sleep(0)
        turns.give_back("other")

    async with asyncio.timeout(5):
        await asyncio.gather(*(read() for _ in range(20)))


async def test_the_line_is_measured_by_size_and_the_largest_share_gives_way() -> None:
    turns = Turns(1, 100)
    await asked(turns, "running")
    large = [asyncio.create_task(turns.take("large", 30)) for _ in range(3)]
    small = [asyncio.create_task(turns.take("small", 25)) for _ in range(2)]
    await settled()
    assert [task.done() for task in large] == [False, True, True]
    assert isinstance(large[1].exception(), Unavailable)
    assert not any(task.done() for task in small)
    with pytest.raises(Unavailable):  # it would have the most itself
        await turns.take("third", 60)


async def test_who_leaves_the_line_makes_room_in_it() -> None:
    turns = Turns(1, 100)
    await asked(turns, "running")
    gone = asyncio.create_task(turns.take("p", 100))
    await settled()
    gone.cancel()
    await settled()
    stays = asyncio.create_task(turns.take("p", 100))
    await settled()
    turns.give_back("running")
    await stays


async def test_where_each_may_have_all_turns_nobody_waits_while_one_is_free() -> None:
    turns = Turns(2, 64, each=2)
    greedy = await asked(turns, "greedy", 5)
    other = await asked(turns, "other", 1)
    assert (running(greedy), running(other)) == (2, 0)
    turns.give_back("greedy")
    turns.give_back("greedy")
    await settled()
    assert (running(greedy), running(other)) == (3, 1)
