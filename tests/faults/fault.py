"""A fault: harm done to a stack and healed again, with a name and the parts it touches."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from random import Random

from tests.faults.stack_under_test import StackUnderTest

Inject = Callable[[StackUnderTest, Random], AbstractContextManager[None]]

WRITERS, GATEWAYS, CLICKHOUSE, QUEUE, NEIGHBOURS = "writers", "gateways", "clickhouse", "queue", "neighbours"
BOTH = ("sqlite", "kafka")
EVERYWHERE = (*BOTH, "cluster")
"""`cluster`: three brokers, and ClickHouse in two shards."""


@dataclass(frozen=True)
class Fault:
    """`inject` makes a `with`: entering it does the harm, leaving it heals. Raises AssertionError without an effect.

    Faults that touch different parts may be nested. `hold_s`: how long it lasts in a short run, and in a soak;
    `times`: how often a soak injects it alone; `mixed`: whether random mixes may contain it.
    """

    name: str
    help: str
    inject: Inject
    touches: frozenset[str]
    hold_s: tuple[float, float]
    times: int
    queues: tuple[str, ...]
    mixed: bool


def fault(
    *touches: str,
    hold_s: tuple[float, float] = (1.0, 1.0),
    times: int = 3,
    queues: tuple[str, ...] = BOTH,
    mixed: bool = True,
) -> Callable[[Callable[[StackUnderTest, Random], Iterator[None]]], Fault]:
    """Makes a fault from a generator function that yields once, between harm and healing. Named as the function."""

    def make(function: Callable[[StackUnderTest, Random], Iterator[None]]) -> Fault:
        name = function.__name__.replace("_", "-")
        doc = (function.__doc__ or "").strip()
        return Fault(name, doc, _healed(function), frozenset(touches), hold_s, times, queues, mixed)

    return make


def _healed(function: Callable[[StackUnderTest, Random], Iterator[None]]) -> Inject:
    @contextmanager
    def inject(stack: StackUnderTest, rng: Random) -> Iterator[None]:
        steps = function(stack, rng)
        next(steps)
        try:
            yield
        finally:  # also when a fault nested in this one failed
            next(steps, None)

    return inject
