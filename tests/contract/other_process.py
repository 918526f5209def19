"""What the contract's tests let another process do with a queue; it answers in lines on its standard output.

publish URL TOPIC COUNT PREFIX   publish COUNT messages at once; print each value that was acknowledged
stream URL TOPIC PREFIX          the same without an end, 20 at a time
hold URL GROUP TOPIC             join, print the number of lanes when they are there, stay;
                                 on a line of input commit offset 1 under the epochs of that time, print the outcomes
drain URL FILE                   drain a spool; `SLUICE_FAILPOINT` kills it on the way
"""

import asyncio
import os
import sys
from pathlib import Path

from shared.failpoints import Failpoints
from shared.queue.base import Fenced, Lane, Position, Queue
from shared.queue.kafka import KafkaQueue
from shared.queue.spool.drain import Drain
from shared.queue.spool.file import Spool
from tests.contract.engines import open_queue, sqlite_limits


class _Deaf:
    def assigned(self, lanes: frozenset[Lane]) -> None: ...

    def revoked(self, lanes: frozenset[Lane]) -> None: ...


def say(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _publish(queue: Queue, topic: str, values: list[str]) -> None:
    producer = queue.producer()
    await producer.start()

    async def one(value: str) -> None:
        await producer.publish(topic, value.encode())
        say(value)

    await asyncio.gather(*map(one, values))
    await producer.stop()


async def _stream(queue: Queue, topic: str, prefix: str) -> None:
    producer = queue.producer()
    await producer.start()

    async def repeat(lane: int) -> None:
        number = 0
        while True:
            value = f"{prefix}-{lane}-{number}"
            await producer.publish(topic, value.encode())
            say(value)
            number += 1

    await asyncio.gather(*map(repeat, range(20)))


async def _hold(queue: Queue, group: str, topic: str) -> None:
    consumer = queue.consumer(group, [topic], _Deaf())
    await consumer.start()
    while not consumer.epochs():
        await consumer.receive([], timeout_s=0.05)
    epochs = dict(consumer.epochs())
    say(len(epochs))

    async def keep_polling() -> None:
        while True:
            await consumer.receive([], timeout_s=1)

    polling = asyncio.create_task(keep_polling())
    await asyncio.to_thread(sys.stdin.readline)
    for lane, epoch in epochs.items():
        try:
            await consumer.commit(lane, Position(1, "stolen"), epoch)
            say("committed")
        except Fenced:
            say("fenced")
    polling.cancel()
    await consumer.stop()


async def _drain(queue: Queue, file: str) -> None:
    assert isinstance(queue, KafkaQueue)
    spool = Spool(Path(file), sqlite_limits())
    await spool.open()
    await Drain(spool, queue, Failpoints(os.environ["SLUICE_FAILPOINT"]).reach, bytes_s=10**12).run()


async def main(command: str, url: str, *rest: str) -> None:
    queue = open_queue(url)
    match command, *rest:
        case "publish", topic, count, prefix:
            await _publish(queue, topic, [f"{prefix}-{number}" for number in range(int(count))])
        case "stream", topic, prefix:
            await _stream(queue, topic, prefix)
        case "hold", group, topic:
            await _hold(queue, group, topic)
        case "drain", file:
            await _drain(queue, file)
    await queue.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
