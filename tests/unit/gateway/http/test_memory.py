"""Memory goes back to the system after large requests."""

import subprocess
import sys

import pytest

from shared.memory import resident_bytes

LARGE = """
import asyncio
from gateway.http.memory import Tidy
from shared.memory import resident_bytes

async def main():
    tidy = Tidy(look_s={look_s})
    await tidy.start()
    idle = resident_bytes()
    pieces = [bytes(2_000) for _ in range(150_000)]
    kept = pieces[::1_000]  # what is free lies below what is in use
    full = resident_bytes()
    del pieces
    await asyncio.sleep(0.5)
    print(full - idle, resident_bytes() - idle)
    await tidy.close()

asyncio.run(main())
"""


def grown(look_s: float) -> tuple[int, int]:
    """How many bytes a process grew by large requests, and what is left of that half a second later."""
    code = LARGE.format(look_s=look_s)
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60).stdout
    full, left = out.split()
    return int(full), int(left)


@pytest.mark.skipif(not resident_bytes() or sys.platform != "linux", reason="the system doesn't tell")
def test_memory_goes_back_some_time_after_large_requests() -> None:
    full, left = grown(look_s=0.05)
    assert full > 250_000_000
    assert left < 40_000_000
    assert grown(look_s=60)[1] > 200_000_000  # else the test would prove nothing


APART = """
from shared.memory import keep_large_apart, resident_bytes
{call}
large = b"x" * 30_000_000
del large  # from now on glibc would take what is up to that large from its heap
before = resident_bytes()
large = b"x" * 20_000_000
kept = b"y" * 600_000  # above it
del large
print(resident_bytes() - before)
"""


@pytest.mark.skipif(not resident_bytes() or sys.platform != "linux", reason="the system doesn't tell")
@pytest.mark.parametrize(("call", "is_left"), [("keep_large_apart()", False), ("", True)], ids=["apart", "not apart"])
def test_what_is_large_leaves_no_hole(call: str, is_left: bool) -> None:
    code = APART.format(call=call)
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60).stdout
    assert (int(out) > 10_000_000) == is_left
