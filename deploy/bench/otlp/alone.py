"""Gateway's checking and writer's rows alone, without HTTP, queue and server, in a process of its own.

CPU time of the process, and the least of several times: what other processes do only makes it longer.
"""

import gc
from collections.abc import Callable, Sequence
from time import time

import msgspec

from deploy.bench.effort import Effort
from deploy.bench.fingerprint_bench import seconds
from deploy.bench.jobs import Running, serve
from deploy.bench.logs import arrays
from deploy.bench.messages import RETENTION_DAYS
from deploy.bench.otlp.bodies import CASES, Case
from gateway import apis
from gateway.publisher import stamp_of
from gateway.validation.checks import Checks
from gateway.validation.parts import Part
from shared.envelope import seal
from shared.keys import ResolvedKey
from shared.queue.base import Lane, Message
from shared.registry import Registry, load
from writer.converter import Converter
from writer.wire.block import Block

RECORDS, DIFFERENT = 100, 64
"""In a request, and different requests."""

_SPARE_S, _SECONDS_A_ROUND = 60.0, 30.0
_KEY = ResolvedKey(key_id="k", project_id="p", scopes=frozenset({"ingest"}), retention_days=RETENTION_DAYS)


class Job(msgspec.Struct, frozen=True):
    rounds: int


class AloneRound(msgspec.Struct, frozen=True):
    """Microseconds of CPU for a request of 100 records, by case."""

    checking: dict[str, float]
    rows: dict[str, float]


def measure_alone(effort: Effort, step: Callable[[str], None]) -> list[AloneRound]:
    """Raises `JobFailed`. `step` is called with what comes next."""
    step("checking and rows, alone")
    limit_s = _SPARE_S + effort.rounds * _SECONDS_A_ROUND
    return Running("deploy.bench.otlp.alone", Job(effort.rounds), list[AloneRound], limit_s).result()


# In the process itself.


class Measured:
    """One case, ready to be measured again and again."""

    def __init__(self, case: Case, registry: Registry, starts_at_s: float) -> None:
        intake = next(each for each in registry.intakes if each.route == case.path)
        self._checks = Checks(intake, registry, apis.load().of(intake))
        self._content_type = case.media_type.encode()
        self._bodies = [case.body(array) for array in arrays(RECORDS, DIFFERENT, starts_at_s)]
        parts = [self._parts(body)[0] for body in self._bodies]
        signal = registry.signal_of(parts[0].format)
        self._lane = Lane(signal.topic, 0)
        self._converter = Converter(signal.table, [parts[0].format])
        self._messages = [_message(offset, part) for offset, part in enumerate(parts)]
        self.rows()  # attributes that come again are known by then

    def checking(self) -> None:
        for body in self._bodies:
            self._parts(body)

    def rows(self) -> Block:
        entries = [self._converter.read(message) for message in self._messages]
        batch = self._converter.convert(self._lane, entries, int(time() * 1e6))
        assert batch.block.rows == RECORDS * DIFFERENT, batch.letters[:1]
        return batch.block

    def _parts(self, body: bytes) -> Sequence[Part]:
        return self._checks.parts(self._checks.opened(body, self._content_type))


def _message(offset: int, part: Part) -> Message:
    now_us = int(time() * 1e6)
    return Message(offset, now_us // 1000, None, seal(stamp_of(part, _KEY, now_us), part.payload))


def run(job: Job) -> list[AloneRound]:
    registry = load()
    cases = {name: Measured(case, registry, time()) for name, case in CASES.items()}
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    return [
        AloneRound(
            {name: seconds(case.checking) / DIFFERENT * 1e6 for name, case in cases.items()},
            {name: seconds(case.rows) / DIFFERENT * 1e6 for name, case in cases.items()},
        )
        for _ in range(job.rounds)
    ]


if __name__ == "__main__":
    serve(Job, run)
