"""All faults by name."""

from tests.faults.fault import Fault
from tests.faults.kinds import brokers, clickhouse, data, engines, retention, shards, spools, writers

FAULTS: dict[str, Fault] = {
    found.name: found
    for module in (writers, clickhouse, shards, brokers, engines, data, retention, spools)
    for found in vars(module).values()
    if isinstance(found, Fault)
}


def faults_of(queue: str) -> list[Fault]:
    """The faults that a queue can have: sqlite, kafka or cluster."""
    return [each for each in FAULTS.values() if queue in each.queues]
