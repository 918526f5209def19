"""Answers that lack shards: who may get them, and what they say."""

import asyncio
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.query.asked import Asked
from gateway.query.complete import Complete
from gateway.query.partial import may_be_partial, missing_so_far
from gateway.query.question import told_now
from gateway.query.range import Range
from gateway.query.recent import Recent
from gateway.query.rendering import rendered


async def asked(recent: Recent, lacking: int) -> int:
    """A question that lacks this shard."""

    async def ask() -> int:
        if (missing := missing_so_far()) is not None:
            missing.add(lacking)
        return lacking

    return await recent.of("key", ask)


async def answered(work: Any) -> Response:
    async def endpoint(_: Request) -> Response:
        return Response(str(await work()))

    return await asyncio.create_task(may_be_partial(endpoint)(Request({"type": "http"})))


async def test_all_who_share_an_answer_are_told_what_it_lacks_and_others_do_not_share_it() -> None:
    recent = Recent()
    answers = [await answered(lambda: asked(recent, 2)), await answered(lambda: asked(recent, 3))]
    assert [(each.body, each.headers["X-Shards-Missing"]) for each in answers] == [(b"2", "2")] * 2
    assert await asked(recent, 4) == 4
    assert missing_so_far() is None


async def test_a_whole_answer_has_no_word_of_shards() -> None:
    async def work() -> int:
        return 1

    assert "X-Shards-Missing" not in (await answered(work)).headers


async def test_a_question_says_in_its_fields_what_it_lacks_and_that_it_is_not_complete() -> None:
    asking, complete = Asked(Range(0, 1)), Complete(up_to=1)

    async def work() -> str:
        missing = missing_so_far()
        assert missing is not None
        missing |= {3, 1}
        return b"".join(rendered(*told_now(asking, complete))).decode()

    told = json.loads((await answered(work)).body)
    assert (told["partial"], told["shards_missing"], told["complete_up_to"]) == (True, [1, 3], None)
    assert told["complete_reason"] == "rows are left out: these shards can't be reached: 1, 3"
    assert "partial" not in json.loads(b"".join(rendered(*told_now(asking, complete))))
