"""The process that reads source maps: `python -m gateway.mapping.child` answers questions from its standard input on
its standard output, until that ends.

Maps come from strangers. Nested code can overflow the library's stack, which ends the process; a map of a few megabytes
may want a gigabyte: both must not happen where requests are served (events.md, "Hostile maps").
"""

import os
import resource
import sys

import msgspec

from gateway.child import LENGTH_BYTES, framed
from gateway.mapping.maps import Maps, Unreadable
from gateway.mapping.questions import Question, Reply
from shared.memory import give_back

MEMORY_BYTES = 600_000_000
"""Most memory for data. A map of 50 MB takes 300 while it is read."""

FILE_BYTES = 400_000_000
"""The library keeps a map that it has read in a temporary file, which it maps into memory."""

CACHE_BYTES = 200_000_000

STACK_BYTES = 100 * 1024 * 1024
"""Built code is nested deeper than what people write: this is enough for 20,000 levels."""

NICENESS = 5
"""Behind the event loop, where both want the same core."""


def main() -> None:
    os.nice(NICENESS)
    os.environ["RUST_BACKTRACE"] = "0"  # the library asks for them when it is imported; no map must fill the log
    for limit, most in (
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_STACK, STACK_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    serve(Maps(CACHE_BYTES))


def serve(maps: Maps) -> None:
    read = sys.stdin.buffer.read
    while length := read(LENGTH_BYTES):
        question = msgspec.msgpack.decode(read(int.from_bytes(length)), type=Question)
        reply = answer(maps, question, read(question.map_bytes), read(question.built_bytes))
        sys.stdout.buffer.write(framed(msgspec.msgpack.encode(reply)))
        sys.stdout.buffer.flush()
        give_back()


def answer(maps: Maps, question: Question, content: bytes, built: bytes) -> Reply:
    found = maps.get(question.key)
    if found is None and not content:
        return Reply("unknown")
    try:
        found = found or maps.add(question.key, question.project_id, content, built)
    except Unreadable as error:
        return Reply("unreadable", error=str(error))
    except MemoryError:
        return Reply("unreadable", error="it takes too much memory")
    return Reply("read", [found.token(*position) for position in question.positions], found.lines)


if __name__ == "__main__":
    main()
