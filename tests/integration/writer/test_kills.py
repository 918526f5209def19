"""The writer killed with SIGKILL at each step of the protocol, and started again: each record is exactly one row."""

import random
import signal

import pytest

from tests.integration.writer.stage import Stage, logs, until

TEXTS = [f"message {n}" for n in range(60)]

POINTS = ["after_plan=kill", "before_insert=kill", "after_insert=kill", "after_done=kill", "after_insert=kill:3"]


@pytest.mark.parametrize("failpoint", POINTS)
async def test_a_kill_at_any_step_loses_nothing_and_doubles_nothing(stage: Stage, failpoint: str) -> None:
    await kill_and_restart(stage, failpoint)


@pytest.mark.parametrize("failpoint", ["after_plan=kill", "after_insert=kill:2"])
async def test_a_kill_loses_and_doubles_nothing_on_kafka_too(kafka_stage: Stage, failpoint: str) -> None:
    await kill_and_restart(kafka_stage, failpoint)


async def kill_and_restart(stage: Stage, failpoint: str) -> None:
    await stage.make("logs")
    await stage.publish(*(logs(text) for text in TEXTS))
    with stage.spawn(failpoint=failpoint, WRITER_BATCH_ROWS=20) as killed:
        assert await killed.ended() == -signal.SIGKILL, killed.log
    # Other limits: it must cut the planned range as its predecessor did.
    async with stage.writer(batch_rows=7):
        await stage.until_committed(60, within_s=90)
    assert stage.messages() == sorted(TEXTS)


async def test_kills_at_random_moments_lose_nothing_and_double_nothing(stage: Stage) -> None:
    await stage.make("logs")
    chance = random.Random(7)
    texts: list[str] = []
    for turn in range(4):
        fresh = [f"{turn} {n}" for n in range(200)]
        texts += fresh
        with stage.spawn(WRITER_BATCH_ROWS=10) as process:
            await stage.publish(*(logs(text) for text in fresh[:100]))
            enough = stage.count() + chance.randrange(1, 60)
            await until(lambda enough=enough: stage.count() > enough, what=process.log)  # type: ignore[misc]
            process.send(signal.SIGKILL)
            await process.ended()
            await stage.publish(*(logs(text) for text in fresh[100:]))
    async with stage.writer():
        await stage.until_committed(len(texts))
    assert stage.messages() == sorted(texts)
