"""Errors that come again are remembered (performance.md, "Errors come again")."""

import pytest

from shared.fingerprint import v2

STACK = "TypeError: x\n    at total (/srv/app/src/cart.js:1:2)"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stacks that were really read, from now on."""
    v2.forget()
    stacks: list[str] = []
    bounded = v2.bounded
    monkeypatch.setattr(v2, "bounded", lambda stack: stacks.append(stack) or bounded(stack))
    return stacks


def test_one_that_comes_again_is_not_read_again(read: list[str]) -> None:
    made = {v2.fingerprint("x", STACK) for _ in range(3)}
    assert (len(made), read) == (1, [STACK])
    v2.fingerprint("y", STACK)
    assert read == [STACK, STACK]


def test_a_long_one_is_read_each_time_and_many_are_forgotten(read: list[str]) -> None:
    long = STACK + "\n" * v2.LARGEST_KNOWN
    assert v2.fingerprint("x", long) == v2.fingerprint("x", long)
    assert read == [long, long]
    for n in range(v2.MOST_KNOWN + 1):
        v2.fingerprint(str(n), STACK)
    read.clear()
    v2.fingerprint("0", STACK)
    assert read == [STACK]
