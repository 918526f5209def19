"""A stack in a terminal: mapped where there is a map."""

from gateway.mapping.answers import IS_SOURCE, Mapped, Outcome, no_map_for_release
from gateway.query.commands.stack import mapped, why_not
from gateway.query.events.chain import read_chain

SENT = """TypeError: x is undefined
    at t (https://shop.example/main.js:1:50)
    at https://shop.example/main.js:1:90
"""
CHAIN = read_chain("TypeError", "x is undefined", SENT)
FOUND = Mapped(
    function="total",
    source="src/cart.ts",
    line=7,
    column=3,
    in_app=True,
    context_line="",
    before=[],
    after=[],
    map="main.js.map",
)
MISSING = no_map_for_release("r1")


def outcomes(*its: Outcome) -> list[list[Outcome]]:
    return [list(its)]


def test_frames_stand_where_the_sources_have_them() -> None:
    assert mapped(CHAIN, outcomes(FOUND, MISSING)).splitlines() == [
        "TypeError: x is undefined",
        "    at total (src/cart.ts:7:3)",
        "    at https://shop.example/main.js:1:90",
    ]


def test_without_a_map_it_is_the_stack_that_was_sent() -> None:
    assert mapped(CHAIN, outcomes(MISSING, MISSING)) == ""


def test_each_reason_is_told_once_unless_no_map_is_missing() -> None:
    assert why_not(outcomes(MISSING, MISSING)) == [MISSING.reason]
    assert why_not(outcomes(IS_SOURCE, FOUND)) == []


def test_causes_are_told_apart() -> None:
    chain = read_chain("", "", SENT + "  [cause]: RangeError: too far\n      at h (https://shop.example/main.js:1:7)\n")
    its: list[list[Outcome]] = [[MISSING] * 2, [FOUND]]
    assert mapped(chain, its).splitlines()[3:] == [
        "caused by RangeError: too far",
        "    at total (src/cart.ts:7:3)",
    ]
