"""What all lanes of a writer process share."""

import time
from concurrent.futures import Executor
from dataclasses import dataclass

from shared.clock import Clock
from shared.failpoints import Failpoints
from shared.hourly_counts import HourlyCounts
from shared.metrics import Metrics
from shared.queue.base import Queue
from shared.tracing import Tracer
from writer.buffer import Limits
from writer.dead_letters import DeadLetters, LetterLimit
from writer.handover import Handover
from writer.rules_book import RulesBook
from writer.sink import Sink


@dataclass(frozen=True)
class LaneDeps:
    """The neighbours and the limits of every lane."""

    queue: Queue
    sink: Sink
    rules: RulesBook
    letters: DeadLetters
    builder: Executor
    """One thread: two would only wait for each other's interpreter lock."""
    metrics: Metrics
    failpoints: Failpoints
    limits: Limits
    letter_limit: LetterLimit
    counts: HourlyCounts
    handover: Handover
    session_timeout_s: float
    backoff_max_s: float
    clock: Clock = time.time_ns
    tracer: Tracer | None = None
