"""What a fault is: something done to a stack and healed again, with a name and what it touches."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from random import Random

from tests.faults.stack_under_test import StackUnderTest

Inject = Callable[[StackUnderTest, Random], AbstractContextManager[None]]

WRITERS, GATEWAYS, CLICKHOUSE, QUEUE, NEIGHBOURS = "writers", "gateways", "clickhouse", "queue", "neighbours"
BOTH = ("sqlite", "kafka")


@dataclass(frozen=True)
class Fault:
    """`inject` is a `with`: entering does the harm, leaving heals it; raises AssertionError if it had no effect.

    Faults that touch different things may be nested. `hold_s`: how long it lasts in a short run, and in a soak;
    `times`: how often a soak does it when it is alone; `mixed`: whether random mixes may hold it.
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
    """Makes a fault of a generator function that yields once, between harm and healing. Its name is the function's."""

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
        finally:  # also when a fault that was nested in this one failed
            next(steps, None)

    return inject
