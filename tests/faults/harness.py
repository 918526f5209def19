"""A run: a load, faults one by one or in a random mix that a seed replays, and a verdict."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.faults.catalog import faults_of
from tests.faults.fault import Fault
from tests.faults.load import Load
from tests.faults.stack_under_test import StackUnderTest
from tests.faults.verdict import Verdict, judge

WARM_REQUESTS = 100
MIXED = "mixed"

Say = Callable[[str], None]


@dataclass
class Result:
    """One run. `injected`: a fault's name -> how often it was injected. `blunt`: steps without their effect, which is a
    failure for a fault alone; in a mix another fault may be in its way."""

    label: str
    queue: str
    seed: int
    duration_s: float = 0.0
    injected: dict[str, int] = field(default_factory=dict)
    blunt: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "run": self.label,
            "queue": self.queue,
            "seed": self.seed,
            "duration_s": round(self.duration_s, 1),
            "faults": self.injected,
            "blunt": self.blunt,
            **self.verdict.as_dict(),
        }


@dataclass(frozen=True)
class Step:
    """Faults that overlap: injected in this order, held, healed in the opposite order. `calm_s`: the pause after."""

    faults: tuple[Fault, ...]
    hold_s: float
    calm_s: float
    seed: int

    def __str__(self) -> str:
        return f"{' + '.join(each.name for each in self.faults)} for {self.hold_s:.1f} s"


def alone(fault: Fault, seed: int, *, soak: bool) -> Iterator[Step]:
    """One fault alone: once, or as often as a soak injects it."""
    rng = Random(seed)
    for _ in range(fault.times if soak else 1):
        yield Step((fault,), fault.hold_s[soak], rng.uniform(0.2, 1.0), rng.randrange(2**32))


def mixed(queue: str, seed: int, *, more_s: float = 20.0) -> Iterator[Step]:
    """Endless steps of one to three faults that touch different parts, each held for a random time: at least as long as
    in a short run, at most `more_s` longer."""
    rng = Random(seed)
    choice = [each for each in faults_of(queue) if each.mixed]
    while True:
        chosen: list[Fault] = []
        wanted = rng.randint(1, 3)
        for each in rng.sample(choice, 3 * wanted):
            if len(chosen) < wanted and not any(each.touches & other.touches for other in chosen):
                chosen.append(each)
        short, long = max(each.hold_s[0] for each in chosen), max(each.hold_s[1] for each in chosen)
        hold_s = rng.uniform(short, min(long, short + more_s))
        yield Step(tuple(chosen), hold_s, rng.uniform(0.2, 3.0), rng.randrange(2**32))


def run(
    stack: StackUnderTest,
    label: str,
    steps: Iterator[Step],
    seed: int,
    *,
    seconds: float | None = None,
    records_per_s: float = 2_000,
    drain_within_s: float = 180.0,
    say: Say = lambda sentence: None,
) -> Result:
    """Run the steps under load, for `seconds` if given, and judge. `label`: lower-case letters and digits."""
    result, began = Result(label, stack.queue_kind, seed), time.monotonic()
    run_name = "".join(char for char in label if char.isalnum()) + f"{seed}x{int(time.time())}"
    load = Load(stack.running, run_name, records_per_s=records_per_s)
    stack.begin(load)
    with load:
        load.wait_for(200, WARM_REQUESTS, within_s=60)
        for step in steps:
            if seconds is not None and time.monotonic() - began > seconds:
                break
            say(f"{time.monotonic() - began:6.1f} s  {step}")
            if blunt := _inject(stack, step):
                result.blunt.append(blunt)
                say(blunt)
                stack.writers.begin_anew()
            for each in step.faults:
                result.injected[each.name] = result.injected.get(each.name, 0) + 1
            time.sleep(step.calm_s)
        load.stop()
    stack.writers.fill()
    result.verdict = judge(stack, load, within_s=drain_within_s)
    result.blunt += filter(None, (check() for check in stack.checks))
    if label != MIXED:
        result.verdict.wrong += result.blunt
    result.duration_s = time.monotonic() - began
    return result


def _inject(stack: StackUnderTest, step: Step) -> str:
    """What went wrong with the faults themselves, or ''. They are healed in any case."""
    rng = Random(step.seed)
    try:
        with ExitStack() as injected:
            for each in step.faults:
                injected.enter_context(each.inject(stack, rng))
            time.sleep(step.hold_s)
    except Exception as error:  # an assertion, or a client's error about a part that is away
        return f"no effect: {step}: {type(error).__name__}: {error}"
    return ""
