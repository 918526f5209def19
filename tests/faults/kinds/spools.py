"""Faults of gateways that have spools."""

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from deploy.local.ports import free_port
from gateway.spooling.breaker import AWAY_S
from shared.queue.base import QueueError
from shared.queue.spool.aside import NAME
from shared.queue.spool.file import limits_of, look_at
from shared.settings import Settings
from tests.faults.fault import GATEWAYS, QUEUE, fault
from tests.faults.kinds.brokers import BROKERS
from tests.faults.kinds.engines import queue_answers, queue_away
from tests.faults.load import Load
from tests.faults.processes import SluiceProcess
from tests.faults.row_counts import assert_exactly_once
from tests.faults.stack_under_test import StackUnderTest

WAITS_S = 2.5
"""What is on its way to a broker that is killed gets its 503 after so long."""
RATE = 300.0
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


@fault(QUEUE, hold_s=(1.0, 5.0), times=5, queues=("cluster",), mixed=False)
def one_broker_killed_with_spools(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 of a broker of three: a gateway with a spool refuses what is on its way, and nothing that comes after."""
    spool, port = stack.running.folder.parent / f"spool-{rng.randrange(10**9)}", free_port()
    gateway = _gateway(stack, spool, SLUICE_GATEWAY_PORT=str(port), SLUICE_GATEWAY_PUBLISH_TIMEOUT_S=f"{WAITS_S:g}")
    role = rng.choice(BROKERS)
    with Load(stack.running, f"spool{rng.randrange(10**9)}", records_per_s=RATE, port=port) as load:
        load.wait_for(200, 50)
        killed_at = time.monotonic()
        stack.kill_role(role)
        stack.until(lambda: _messages(stack, spool), 60, "messages in the spool")
        time.sleep(max(0.0, killed_at + AWAY_S + WAITS_S + 1.0 - time.monotonic()))
        refused = load.statuses[503]
        load.wait_for(200, 200)
        yield
        stack.until(lambda: queue_answers(stack), 180, f"{role} back")
        stack.until(lambda: not _messages(stack, spool), 180, "the spool drained")
        assert load.statuses[503] == refused, "it refused what it could have spooled"
    stack.notes.append(f"{role} killed: {refused} refused, the slowest answer took {load.slowest_s:.1f} s")
    assert_exactly_once(stack.running, load)
    gateway.stop()


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
