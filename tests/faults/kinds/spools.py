"""Faults of gateways that have spools."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

from shared.queue.base import QueueError
from shared.queue.spool.file import NAME, limits_of, look_at
from shared.settings import Settings
from tests.faults.fault import GATEWAYS, QUEUE, fault
from tests.faults.kinds.engines import queue_away
from tests.faults.processes import SluiceProcess
from tests.faults.stack_under_test import StackUnderTest

POINTS = ("before_send", "after_send", "after_offsets", "after_commit", "after_delete")


@fault(QUEUE, GATEWAYS, hold_s=(6.0, 600.0), times=1, queues=("kafka",), mixed=False)
def kafka_away_with_spools(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Kafka hangs; two more gateways spool what they get. One is killed meanwhile, the other one while it drains."""
    spools = [stack.running.folder.parent / f"spool-{rng.randrange(10**9)}" for _ in range(2)]
    doomed = f"spool_{rng.choice(POINTS)}=kill"
    made = [_gateway(stack, spools[0]), _gateway(stack, spools[1], SLUICE_FAILPOINT=doomed)]
    with queue_away(stack.running):
        stack.until(lambda: all(_messages(stack, spool) for spool in spools), 120, "messages in both spools")
        yield
        made[0].kill()
        made[0] = _gateway(stack, spools[0])
    assert made[1].wait_ended(180), f"it was not killed at {doomed}: see {made[1].log}"
    made[1] = _gateway(stack, spools[1])
    stack.until(lambda: not any(_messages(stack, spool) for spool in spools), 600, "both spools drained")
    for each in made:
        each.stop()


def _gateway(stack: StackUnderTest, spool: Path, **more: str) -> SluiceProcess:
    """One more on the port of the others, once it listens."""
    settings = {
        "SLUICE_GATEWAY_PORT": stack.running.env["SLUICE_URL"].rpartition(":")[2],
        "SLUICE_GATEWAY_SPOOL": str(spool),
    }
    log = stack.running.folder / "log" / f"gateway-{spool.name}-{len(list(stack.running.folder.glob('log/*')))}.log"
    made = SluiceProcess("gateway", {**stack.environment, **settings, **more}, log)
    stack.until(lambda: "gateway listens" in made.log.read_text(), 120, "a gateway with a spool")
    return made


def _messages(stack: StackUnderTest, spool: Path) -> int:
    """How many it holds; 0 before it is there."""
    try:
        return stack.background.run(look_at(spool / NAME, limits_of(Settings()))).messages
    except QueueError:
        return 0
