"""Many uploads at once: projects take turns, and the gateway's memory stays small."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.sourcemaps.upload import WAITING
from tests.integration.gateway.sourcemaps.conftest import ROUTE, Sender
from tests.integration.gateways import Gateways, gateways
from tests.integration.stack import wait_until
from tests.unit.gateway.sourcemaps.forms import CONTENT_TYPE, source_map, upload

GROWN_BYTES = 150_000_000
"""One large file at a time, what the pieces of the others take, and what the allocator keeps of them."""


@pytest.fixture
async def running(tmp_path: Path, postgres_database: str, redis_url: str) -> AsyncIterator[Gateways]:
    async with gateways(tmp_path, postgres_database, redis_url) as made:
        yield made


async def test_a_project_that_fills_the_line_keeps_no_other_one_out(
    running: Gateways, shop: Sender, rival: Sender
) -> None:
    go_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield upload()[:50]
        await go_on.wait()
        yield upload()[50:]

    first = asyncio.create_task(
        shop.client.post(ROUTE, content=slowly(), headers={"content-type": CONTENT_TYPE.decode()})
    )
    await asyncio.to_thread(wait_until, lambda: receives(running.pids()[0]), 60, "the first upload under way")
    waiting = {asyncio.create_task(shop.post(upload())) for _ in range(WAITING + 1)}
    (refused,), waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert refused.result().status_code == 503
    assert refused.result().headers["retry-after"]
    assert (await rival.upload("1.0", a=source_map())).status_code == 200
    go_on.set()
    assert {answer.status_code for answer in await asyncio.gather(first, *waiting)} == {200}


async def test_large_uploads_at_once_take_little_memory(running: Gateways) -> None:
    senders = [Sender(running) for _ in range(4)]
    pid = running.pids()[0]
    assert (await senders[0].upload("0", a=source_map())).status_code == 200
    idle = memory(pid, "VmRSS")
    bodies = [upload("1.0", [("a.js.map", source_map(sourcesContent=[str(n) * 45_000_000]))]) for n in range(4)]
    answers = await asyncio.gather(*(sender.post(body) for sender, body in zip(senders, bodies, strict=True)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert memory(pid, "VmHWM") - idle < GROWN_BYTES
    for sender in senders:
        await sender.close()


def receives(pid: int) -> bool:
    """Whether a gateway has a body's temporary file, which has no name."""
    return any("(deleted)" in os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir())


def memory(pid: int, line: str) -> int:
    """Bytes, of a line of the process's status."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(each.split()[1]) for each in status.splitlines() if each.startswith(line)) * 1024
