"""Random rows of a table, and random queries that find some of them."""

from random import Random
from typing import Any

from gateway.query.language.nodes import (
    AnyOf,
    Between,
    Compare,
    Exact,
    Glob,
    Node,
    Operator,
    Present,
    Term,
    Test,
    Text,
    all_of,
    any_of,
    negated,
)
from tests.integration.gateway.query.documents import KEYS, document
from tests.integration.gateway.query.judge import COLUMNS, LEVELS, pattern_of
from tests.integration.gateway.query.read_api import NOON

WORDS = [
    "timeout",
    "Card declined",
    "100%",
    "a_b",
    "back\\slash",
    'q"',
    "é",
    "(x)",
    "level:error",
    "OR",
    "*",
    "-7",
    "it's",
]
NAMES = ["", "api", "API", "db.pool", "db.query", "db_pool", "a@b.example", "x*y", "50%", "c\\d", 'q"', "x y", "é"]
GLOBS = ["db.*", "*.pool", "*b*", "a*", "*@b.example", "50%*", "*_*", "c\\*", "é*", "x*y"]
PATTERNS = ["timeout", "timeout *", "* timeout", "*", "Card declined", "Card declined *", "a {b}", "é"]
PATTERN_GLOBS = ["timeout*", "*timeout", "*x*", "a*", "*d*x*"]
NUMBERS = ["3", "-7", "3.0", "0", "2.5", "1e3", "200"]
SCALARS = ["x", "a", "3", "true", "null", "1e400", "A", "😀", "back\\slash", 'a"b', "-7", "3.0", "", "x*"]
SCALAR_GLOBS = ["*x", "a*", "3*", "tr*", "*slash", "1*", "*😀*", "-*"]
SCALARS_OF_ROWS = ["2.5", "-0.5", "3.0", "1e3", '"200"', '" 3"', '"3x"', '"db.pool"', "false", '"x y"']
OPERATORS: list[Operator] = [">=", "<=", ">", "<"]


def row(random: Random, n: int) -> dict[str, Any]:
    made: dict[str, Any] = {column: random.choice(NAMES) for column in COLUMNS.values()}
    made |= {"user_id": random.choice(["", "", "7", "a@b.example"]), "level": random.choice(LEVELS)}
    made["message"] = " ".join(random.choice(WORDS) for _ in range(random.randint(0, 3)))
    made["template"] = random.choice(["", "", "", "a {b}", "timeout *"])
    made["pattern"] = pattern_of(made["message"], made["template"])
    made["attributes"] = document(random, SCALARS_OF_ROWS) if random.random() < 0.9 else ""
    return made | {"line_number": n + 1, "timestamp": NOON + n}


def values(random: Random, exact: list[str], globs: list[str]) -> AnyOf:
    def value() -> Exact | Glob:
        return Glob(random.choice(globs)) if random.random() < 0.4 else Exact(random.choice(exact))

    return AnyOf(tuple(value() for _ in range(random.choice([1, 1, 1, 2, 3]))))


def some_test(random: Random, exact: list[str], globs: list[str], ordered: list[str]) -> Test:
    kind = random.random()
    if kind < 0.15:
        return Present()
    if ordered and kind < 0.35:
        return Compare(random.choice(OPERATORS), random.choice(ordered))
    if ordered and kind < 0.5:
        return Between(random.choice(ordered), random.choice(ordered))
    return values(random, exact, globs)


def leaf(random: Random) -> Node:
    match random.choice(["text", "level", "user", "column", "column", "pattern", "attr", "attr", "attr"]):
        case "text":
            return Text(random.choice(WORDS))
        case "level":
            return Term("level", some_test(random, LEVELS, ["*r*", "f*"], LEVELS))
        case "user":
            return Term("user", some_test(random, ["7", "a@b.example"], ["a*", "*@b.example"], []))
        case "pattern":
            return Term("pattern", some_test(random, PATTERNS, PATTERN_GLOBS, []))
        case "column":
            return Term(random.choice(list(COLUMNS)), some_test(random, NAMES, GLOBS, []))
    return Term(f"attr.{random.choice(KEYS)}", some_test(random, SCALARS, SCALAR_GLOBS, NUMBERS))


def tree(random: Random, depth: int = 3) -> Node:
    kind = random.random() if depth else 1.0
    if kind < 0.25:
        return negated(tree(random, depth - 1))
    if kind < 0.7:
        nodes = [tree(random, depth - 1) for _ in range(random.randint(2, 3))]
        return all_of(nodes) if kind < 0.4 else any_of(nodes)
    return leaf(random)
