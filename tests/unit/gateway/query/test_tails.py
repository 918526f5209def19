"""How many tails may be open, and what ends them."""

import asyncio
import time

import pytest

from gateway.query.refusals import TooManyTails
from gateway.query.tails import Tails
from gateway.rejections import Unavailable
from shared.keys import ResolvedKey


def key(name: str, project_id: str = "p") -> ResolvedKey:
    return ResolvedKey(key_id=name, project_id=project_id, scopes=frozenset({"read"}))


async def test_a_key_has_its_share_and_gets_it_back() -> None:
    tails = Tails(most=100, each_key=2)
    for _ in range(3):
        tails.begin(key("a"))
        tails.begin(key("a"))
        with pytest.raises(TooManyTails, match="2"):
            tails.begin(key("a"))
        tails.begin(key("b"))
        assert tails.open == 3
        for name in ("a", "b", "a"):
            tails.end(key(name))
        assert tails.open == 0


async def test_a_project_has_half_and_the_process_has_an_end() -> None:
    tails = Tails(most=4, each_key=10)
    for project_id in ("p", "q"):
        for _ in range(2):
            tails.begin(key(project_id, project_id))
        with pytest.raises(Unavailable):
            tails.begin(key("another", project_id))
    with pytest.raises(Unavailable):
        tails.begin(key("r", "r"))


async def test_a_pause_ends_when_all_are_given_up_and_none_begins_any_more() -> None:
    tails = Tails()
    await tails.pause(0.001)
    assert not tails.given_up
    pausing = asyncio.create_task(tails.pause(600))
    await asyncio.sleep(0)
    began = time.monotonic()
    tails.give_up()
    await pausing
    assert time.monotonic() - began < 60
    with pytest.raises(Unavailable):
        tails.begin(key("a"))
