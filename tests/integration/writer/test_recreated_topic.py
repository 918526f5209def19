"""A Kafka topic is created again while a writer is cut off: it must not go on where it was in the former one."""

import signal

from tests.integration.writer.ops.commands import audited
from tests.integration.writer.ops.stage_operator import remake
from tests.integration.writer.records import NOW_US, logs
from tests.integration.writer.stage import Stage
from writer.ops.audit.accounting import Counts


async def test_a_writer_that_slept_through_it_skips_nothing(kafka_stage: Stage) -> None:
    """When it wakes the new topic has outgrown the former one: nothing is out of range, no offset goes back."""
    stage = kafka_stage
    await stage.make("logs")
    former, new = [f"former {n}" for n in range(20)], [f"new {n}" for n in range(50)]
    await stage.publish(*(logs(text, received_at=NOW_US + n) for n, text in enumerate(former)))
    with stage.spawn(WRITER_SESSION_TIMEOUT_S=60) as process:
        await stage.until_committed(20)
        process.send(signal.SIGSTOP)
        await process.frozen()
        await remake(stage)
        await stage.publish(*(logs(text, received_at=NOW_US + 1000 + n) for n, text in enumerate(new)))
        process.send(signal.SIGCONT)
        await stage.until_committed(50)
    assert stage.messages() == sorted(former + new), "each once"
    assert await audited(stage) == Counts(messages=50, expected=50, found=50)
