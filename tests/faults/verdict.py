"""The verdict on one run: nothing acknowledged is missing, nothing is duplicated, each poison is one dead letter."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from shared.clients.clickhouse import ClickHouseError
from shared.letters import Letter, raw_bytes
from shared.queue.base import QueueUnavailable
from tests.faults.load import Load
from tests.faults.row_counts import Counts, count_rows
from tests.faults.stack_under_test import StackUnderTest


@dataclass
class Verdict:
    """`wrong` holds a sentence for each violation; empty is a pass."""

    counts: Counts = field(default_factory=Counts)
    letters: int = 0
    audit: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.wrong

    @property
    def audit_word(self) -> str:
        """For a table: ok, the number of gaps, or - without an audit."""
        if not self.audit:
            return "-"
        return f"{self.audit['gaps']} gaps" if self.audit.get("gaps") else "ok"

    def as_dict(self) -> dict[str, Any]:
        rest = asdict(self)
        return {**rest.pop("counts"), **rest, "passed": self.passed}


def judge(stack: StackUnderTest, load: Load, *, within_s: float) -> Verdict:
    """Wait until the queue is drained, then compare. The load must have stopped."""
    verdict = Verdict()
    _wait_drained(stack, verdict, within_s)
    verdict.counts = stack.until(lambda: _counted(stack, load), within_s, "an answer of ClickHouse")
    verdict.wrong += verdict.counts.problems()
    _judge_letters(stack, verdict)
    _audit(stack, verdict, within_s)
    if load.unexpected:
        verdict.wrong.append(f"{len(load.unexpected)} unexpected answers: {load.unexpected[0]}")
    return verdict


def _wait_drained(stack: StackUnderTest, verdict: Verdict, within_s: float) -> None:
    """Wait until the group has committed the end of every lane."""

    def drained() -> bool:
        try:
            return not stack.behind()
        except (QueueUnavailable, TimeoutError):
            return False

    try:
        stack.until(drained, within_s, "every lane committed to its end")
    except AssertionError as error:
        verdict.wrong.append(f"not drained: {error}; messages behind: {stack.behind()}")


def _counted(stack: StackUnderTest, load: Load) -> Counts | None:
    try:
        return count_rows(stack.query, load.sent, stack.may_lose)
    except ClickHouseError:
        return None  # it is being restarted


def _judge_letters(stack: StackUnderTest, verdict: Verdict) -> None:
    """Each message that can't be stored must have exactly one letter, and no other message may have one."""
    kept = Counter(raw_bytes(letter).decode(errors="replace") for letter in letters(stack))
    verdict.letters = kept.total()
    lacking = [text for text, acknowledged in stack.letters.items() if acknowledged and not kept[text]]
    doubled = [text for text, n in kept.items() if n > 1]
    strange = [text for text in kept if text not in stack.letters]
    for texts, what in ((lacking, "missing"), (doubled, "doubled"), (strange, "of what can be stored")):
        if texts:
            verdict.wrong.append(f"{len(texts)} letters {what}; the first: {texts[0][:300]}")


def _audit(stack: StackUnderTest, verdict: Verdict, within_s: float) -> None:
    """`sluice audit` must agree: everything is there once, and there are gaps only where a fault deleted messages."""
    environment = {**os.environ, **stack.environment}
    asked = [sys.executable, "-m", "shared.cli", "audit", "--json", "--from", str(stack.began_ms)]
    told = subprocess.run(asked, env=environment, capture_output=True, text=True, timeout=within_s)
    if told.returncode not in (0, 1):
        verdict.wrong.append(f"audit ended with {told.returncode}: {told.stderr[-500:]}")
        return
    verdict.audit = totals = json.loads(told.stdout)["totals"]
    wrong = {name: totals[name] for name in ("missing", "duplicated", "unreadable") if totals[name]}
    if totals["gaps"] != (taken := sum(stack.lost_messages.values())):
        wrong["gaps"] = totals["gaps"]
        verdict.wrong.append(f"faults took {taken} messages out of the queue, audit names {totals['gaps']}")
    if wrong:
        verdict.wrong.append(f"audit says {wrong}")


def letters(stack: StackUnderTest) -> Iterator[Letter]:
    """The newest letter of every key in all topics."""
    topics = [signal.dead_letter_topic for signal in stack.registry.signals.values()]
    ends = stack.background.run(stack.queue.end_offsets(stack.background.run(stack.queue.lanes(topics))))
    for lane, end in ends.items():
        newest = {message.key: message.value for message in (stack.messages(lane, 0, end) if end else ())}
        read = (msgspec.json.decode(value, type=Letter) for value in newest.values())
        yield from (letter for letter in read if letter.reason != "gap")
