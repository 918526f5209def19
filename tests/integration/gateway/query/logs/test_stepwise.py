"""A search with a budget stops early, goes on from there, and finds everything once (reading.md, "Steps")."""

import re
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import httpx
import pytest

from gateway.query import steps
from gateway.query.logs import counts, plan
from gateway.query.steps import BUCKET_US
from tests.integration.gateway.query.read_api import DAY, NOON, Store

LOGS = "/api/v1/projects/p/logs"


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Steps of ten rows, plans of eight buckets."""
    monkeypatch.setattr(plan, "MAX_ROWS", 10)
    monkeypatch.setattr(plan, "MAX_PARSED_ROWS", 7)
    monkeypatch.setattr(counts, "MOST_BUCKETS", 8)
    yield
    assert steps.MAX_PARSED_ROWS < steps.MAX_ROWS


async def pages(api: httpx.AsyncClient, **parameters: Any) -> list[httpx.Response]:
    """A search and all that its links lead to."""
    found = [await api.get(LOGS, params=parameters)]
    while "link" in found[-1].headers:
        assert found[-1].status_code == 200, found[-1].text
        (target,) = re.findall(r"<(.*?)>", found[-1].headers["link"])
        found.append(await api.get(target))
        assert len(found) < 500
    return found


def lines(answers: list[httpx.Response]) -> list[int]:
    return [log["line_number"] for answer in answers for log in answer.json()["logs"]]


def rows(random: Random, n: int) -> list[Mapping[str, Any]]:
    """Some in bursts, some alone, some long ago, some at the same time."""

    def moment() -> int:
        within = random.choice([0, 1, random.randrange(BUCKET_US)])
        return NOON + random.randrange(40) * BUCKET_US // 2 + within

    moments = [moment() for _ in range(n)] + [NOON - 400 * DAY, NOON + 900 * DAY, -DAY]
    return [
        {
            "timestamp": moment,
            "received_at": max(moment, NOON),
            "line_number": line,
            "message": random.choice(["rare", "usual", "usual"]),
        }
        for line, moment in enumerate(moments, 1)
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("limit", [3, 1000])
async def test_its_pages_are_the_whole_search(store: Store, api: httpx.AsyncClient, seed: int, limit: int) -> None:
    random = Random(seed)
    store.add_logs(*rows(random, 60), *({"project_id": "q", "line_number": 9_999} for _ in range(20)))
    for query in ({}, {"q": "rare"}, {"q": "attr.a:1"}, {"q": "-attr.a:1 rare", "start_time": "2026-01-15T13:00:01Z"}):
        whole = lines([await api.get(LOGS, params={**query, "limit": 1000})])
        answers = await pages(api, **query, budget=random.choice([1, 25, 1000]), limit=limit)
        assert lines(answers) == whole
        assert [answer.json()["has_more"] for answer in answers] == [True] * (len(answers) - 1) + [False]
        assert all(answer.json()["total"] == len(answer.json()["logs"]) <= limit for answer in answers)


async def test_it_says_how_far_it_went(store: Store, api: httpx.AsyncClient) -> None:
    store.add_logs(*({"timestamp": NOON + n * BUCKET_US, "line_number": n + 1} for n in range(6) for _ in range(4)))
    asked = {"q": "absent", "budget": 20, "start_time": "2026-01-15T12:00:00Z", "end_time": "2026-01-15T12:30:00Z"}
    first, second = await pages(api, **asked)
    assert (first.headers["x-searched-to"], first.headers["x-searched-rows"]) == ("2026-01-15T12:10:00.000Z", "16/24")
    assert (second.headers["x-searched-to"], second.headers["x-searched-rows"]) == ("2026-01-15T12:00:00.000Z", "8/8")
    assert first.json() == {"logs": [], "total": 0, "has_more": True}


async def test_without_a_budget_nothing_is_said(store: Store, api: httpx.AsyncClient) -> None:
    store.add_logs({})
    answer = await api.get(LOGS)
    assert not [name for name in answer.headers if name.startswith("x-searched")]


async def test_a_budget_and_an_offset_do_not_go_together(store: Store, api: httpx.AsyncClient) -> None:
    answer = await api.get(LOGS, params={"budget": 1, "offset": 1})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["msg"] == "Value error, give offset or budget, not both"
