"""Purge: delete the bytes of dead letters; a small marker remains under each key for audit to count
(delivery.md, "Redrive and purge")."""

import time
from collections.abc import Sequence

from rich.progress import Progress

from shared.audit import audit_command
from shared.clients.postgres import check_held, locked
from shared.letters import Letter
from shared.metrics import Metrics
from shared.signals.base import Signal
from writer.dead_letters import DeadLetters, closed
from writer.ops.letters import Chosen, current_letters, deed_about_letters
from writer.ops.operator import Operator
from writer.ops.progress import Voice
from writer.ops.restore.guard import LOCK_WAIT_S, lock_name
from writer.waiting import Waiting

_AT_ONCE = 200


async def purge(
    operator: Operator, signals: Sequence[Signal], chosen: Chosen, progress: Progress, *, dry_run: bool = False
) -> int:
    """Purge the chosen letters that are open, under each topic's lock. Returns how many they are.

    Raises `LockHeld`, `PostgresUnavailable`, `QueueUnavailable`.
    """
    count = 0
    waiting = Waiting(Voice(progress.console), Metrics(), max_s=operator.settings.writer.backoff_max_s)
    producer = operator.queue.producer()
    await producer.start()
    publisher = DeadLetters(producer)

    async def close(topic: str, letters: list[Letter]) -> None:
        now_ms = time.time_ns() // 1_000_000
        markers = [closed(letter, "purged", now_ms) for letter in letters]
        await waiting.until_done("dead letters", lambda: publisher.publish(topic, markers, now_ms))

    try:
        for signal in signals:
            url, topic = operator.settings.services.postgres_url, signal.dead_letter_topic
            async with locked(url, lock_name(signal.topic), wait_s=LOCK_WAIT_S) as connection:
                found = await current_letters(operator.queue, topic, chosen.open)
                letters = [kept.letter for kept in found if kept.letter is not None]
                count += len(letters)
                if dry_run or not letters:
                    continue
                purged = deed_about_letters("letters.purged", signal, chosen, letters=len(letters))
                await audit_command(connection, purged)
                task = progress.add_task(topic, total=len(letters))
                for start in range(0, len(letters), _AT_ONCE):
                    some = letters[start : start + _AT_ONCE]
                    await check_held(connection)
                    await close(topic, some)
                    progress.advance(task, len(some))
    finally:
        await producer.stop()
    return count
