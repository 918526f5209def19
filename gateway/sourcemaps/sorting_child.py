"""Sorts one upload: `python -m gateway.sourcemaps.sorting_child TASK`, the body on its standard input, a file that it
may write. It prints the outcome, a `Sorted`, and leaves the unpacked body in the file."""

import logging
import os
import resource
import sys
from hashlib import sha256

import msgspec

from gateway.http.unpack import CODINGS, unpack_into
from gateway.rejections import TooLarge, Unreadable
from gateway.sourcemaps.contents import debug_id_of
from gateway.sourcemaps.form import Form, read_form
from gateway.sourcemaps.refusals import BadUpload
from gateway.sourcemaps.task import Sorted, SortedFile, Task
from shared.sourcemaps.index import StoredFile

MEMORY_BYTES = 400_000_000
"""Most memory for data: the body, and the largest of its maps as Python objects."""

CPU_S = 20
NICENESS = 5
"""Behind the event loop, where both want the same core."""

BODY = 0
"""The descriptor of the body's file."""


def main() -> None:
    logging.disable()  # the form's parser warns of each body that is none
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    task = msgspec.json.decode(sys.argv[1], type=Task)
    sys.stdout.buffer.write(msgspec.json.encode(outcome(task)))


def outcome(task: Task) -> Sorted:
    """What is to be said of an upload."""
    try:
        body = _unpacked(task, os.pread(BODY, os.fstat(BODY).st_size, 0))
        return _sorted(body, read_form(body, task.boundary.encode("latin-1")))
    except BadUpload as refusal:
        return Sorted(refused="bad", sentence=refusal.sentence)
    except Unreadable:
        return Sorted(refused="packing")
    except (TooLarge, MemoryError):
        return Sorted(refused="too_large")


def _unpacked(task: Task, wire: bytes) -> bytes:
    """The body without its Content-Encoding, also in the file."""
    if not task.coding:
        return wire
    body = unpack_into(bytearray(task.max_bytes), CODINGS[task.coding.encode()], wire)
    os.ftruncate(BODY, 0)
    written = 0
    while written < len(body):
        written += os.pwrite(BODY, memoryview(body)[written:], written)
    return body


def _sorted(body: bytes, form: Form) -> Sorted:
    files = []
    for path, (start, end) in form.files.items():
        content = memoryview(body)[start:end]
        digest = sha256(content).hexdigest()
        files.append(SortedFile(StoredFile(path, digest, len(content), debug_id_of(path, content)), start))
    return Sorted(form.release, files)


if __name__ == "__main__":
    main()
