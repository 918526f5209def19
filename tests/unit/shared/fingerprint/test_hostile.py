"""Hostile texts cost little: as much as a few plain passes of `re` over the same text.

Both are measured as CPU time of this process, one right after the other, and the best of several counts.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.bench.fingerprint_bench import PLAIN, fresh, seconds
from deploy.bench.hostile import AROUND, PIECES, text
from deploy.bench.stacks import PRINTERS, StackMaker
from tests.examples import examples

READ = 33 * 1024
"""A little more than is read of a stack."""
PASSES = 5
"""So many plain passes a text may cost; it is 1 to 2."""

ORDINARY = 15
"""So many plain passes an ordinary stack may cost; it is 2 to 4."""


@pytest.mark.parametrize("language", PRINTERS)
def test_a_stack_of_20_lines_costs_a_few_plain_passes(language: str) -> None:
    maker = StackMaker(1)
    stacks = [maker.stack(language) for _ in range(100)]
    plain = seconds(lambda: [PLAIN.findall(stack) for _, stack in stacks])
    assert seconds(lambda: [fresh(message, stack) for message, stack in stacks]) < ORDINARY * plain


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_a_hostile_stack_costs_a_few_plain_passes(piece: str) -> None:
    repeated = text(piece)
    plain = max(seconds(lambda: PLAIN.findall(repeated)), 1e-3)
    for around in AROUND.values():
        stack = around.replace("{}", repeated)
        assert seconds(lambda stack=stack: fresh(stack[:8192], stack)) < PASSES * plain


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_a_hostile_message_costs_a_few_plain_passes(piece: str) -> None:
    message = text(piece, 8192)
    assert seconds(lambda: fresh(message, "")) < PASSES * 1e-3


TOKENS = (
    "\n", "    at ", "f (x:1:2)", "f@x:1:2", "Caused by: ", "[cause]: ", " ---> ",
    "--- End of inner exception stack trace ---", "Next A: ", "#0 ", "#1 a(1): f()", '  File "a", line 1, in f',
    "a:1:in `", "** (", "A) ", "panicked at ", "thread 'a' ", "stack backtrace:", "Stack backtrace:", "0: a",
    " in x:line 3", " at x line 3", " called at ", "goroutine 1 ", "\t/a.go:1", "[object] (A(code: 0): ",
    "+-+---------------- 1 ----------------", "\tat a.b(C.java:1)", "(", ")", "[", "]", "<", ">", "/", "+", ".", ":",
    "::", "$", "D8$$", "a", "A", "1", "'", '"', "@", "-", "_", " ", "\\", "deadbeef", "Error: ", "eval at ",
    " is not a function", "Cannot read properties of undefined (reading '", " has no attribute '", "status 404",
    "http://", "a@b.c",
)  # fmt: skip
"""Pieces of what runtimes print: put together at random they find what no list of hostile texts names."""


@given(
    st.lists(st.tuples(st.sampled_from(TOKENS), st.sampled_from((1, 3, 60))), min_size=1, max_size=6),
    st.sampled_from(list(AROUND.values())),
)
@examples(100)
def test_no_text_fails_or_takes_long(pieces: list[tuple[str, int]], around: str) -> None:
    unit = "".join(token * times for token, times in pieces)
    repeated = text(unit, READ)
    stack = around.replace("{}", repeated)
    plain = max(seconds(lambda: PLAIN.findall(repeated)), 1e-3)
    assert seconds(lambda: fresh(repeated[:8192], stack)) < 5 * PASSES * plain


def test_twice_the_text_costs_no_more() -> None:
    # A longer stack is read at both ends only.
    stack = "    at shop.Cart.total (/srv/app/src/cart.js:1:2)\n" * 2000
    once, twice = seconds(lambda: fresh("x", stack)), seconds(lambda: fresh("x", stack * 4))
    assert twice < 3 * max(once, 1e-4)
