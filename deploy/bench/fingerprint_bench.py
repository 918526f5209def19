"""What a fingerprint costs, beside a plain pass of `re` over the same stacks, in a process of its own.

CPU time of the process, and the least of several times: what other processes do only makes it longer.
"""

import re
import time
from collections.abc import Callable
from statistics import mean

import msgspec

from deploy.bench.effort import Effort
from deploy.bench.hostile import AROUND, PIECES, text
from deploy.bench.jobs import Running, serve
from deploy.bench.stacks import PRINTERS, StackMaker
from shared.fingerprint import v2

STACKS = 100
"""Different ones of each language."""

PLAIN = re.compile(r"[A-Za-z0-9_]+")
"""The expression of a plain pass: all words of the text."""

_TIMES = 5
_SPARE_S = 60.0
_SECONDS_A_ROUND = 30.0

Stacks = list[tuple[str, str]]
"""(message, stack) of each."""


class Job(msgspec.Struct, frozen=True):
    rounds: int


class FingerprintRound(msgspec.Struct, frozen=True):
    """Microseconds of CPU. `stacks` and `plain`: of one stack of 20 lines, by language; `hostile`: of 256 kB, by text,
    inside whatever makes it worst; `hostile_plain`: of 256 kB of ordinary stacks."""

    stacks: dict[str, float]
    plain: dict[str, float]
    hostile: dict[str, float]
    hostile_plain: float

    @property
    def ordinary(self) -> tuple[float, float]:
        """Of the plain pass and of the fingerprint, on average of all languages."""
        return mean(self.plain.values()), mean(self.stacks.values())

    @property
    def worst(self) -> tuple[float, float]:
        """Of the plain pass over ordinary stacks, and of the dearest hostile text."""
        return self.hostile_plain, max(self.hostile.values())


def measure_fingerprints(effort: Effort, step: Callable[[str], None]) -> list[FingerprintRound]:
    """Raises `JobFailed`. `step` is called with what comes next."""
    step("fingerprints")
    limit_s = _SPARE_S + effort.rounds * _SECONDS_A_ROUND
    return Running("deploy.bench.fingerprint_bench", Job(effort.rounds), list[FingerprintRound], limit_s).result()


def seconds(work: Callable[[], object]) -> float:
    """The least CPU time of several times."""
    least = float("inf")
    for _ in range(_TIMES):
        before = time.process_time()
        work()
        least = min(least, time.process_time() - before)
    return least


def fresh(message: str, stack: str) -> tuple[str, str, str]:
    """The fingerprint of an error that was not met before, although some of its frames may have been."""
    v2.forget()
    return v2.fingerprint(message, stack)


# In the process itself.


def run(job: Job) -> list[FingerprintRound]:
    maker = StackMaker(seed=1)
    made = {language: [maker.stack(language) for _ in range(STACKS)] for language in PRINTERS}
    return [_round(made) for _ in range(job.rounds)]


def _round(made: dict[str, Stacks]) -> FingerprintRound:
    ordinary = text("".join(stack for stacks in made.values() for _, stack in stacks))
    return FingerprintRound(
        stacks={language: _us_each(fresh, stacks) for language, stacks in made.items()},
        plain={language: _us_each(_plain_pass, stacks) for language, stacks in made.items()},
        hostile={name: _hostile_us(text(piece)) for name, piece in PIECES.items()},
        hostile_plain=_us_each(_plain_pass, [("", ordinary)]),
    )


def _us_each(work: Callable[[str, str], object], stacks: Stacks) -> float:
    return seconds(lambda: [work(message, stack) for message, stack in stacks]) / len(stacks) * 1e6


def _hostile_us(hostile: str) -> float:
    stacks = [around.replace("{}", hostile) for around in AROUND.values()]
    return max(_us_each(fresh, [(stack[:8192], stack)]) for stack in stacks)


def _plain_pass(message: str, stack: str) -> object:
    return PLAIN.findall(stack)


if __name__ == "__main__":
    serve(Job, run)
