"""Random JSON documents with equal keys, escapes and numbers that no double holds, and how a JSON parser reads them."""

import json
from collections.abc import Sequence
from math import isinf
from random import Random
from typing import Any

KEYS = ["a", "b", "a.b", "b.a", "a.b.a", "é", 'q"', "it's", "\\", "a\\u0062"]
SCALARS = ['"x"', '"a"', "3", '"3"', "true", "null", "1e400", "-1E+400", "1" * 310 + ".5", '"\\ud800"', '"\\u0041"']
SCALARS += ["123456789012345678901234567890", '"\\ud83d\\ude00"', '"back\\\\slash"', '"1e400"', '"a\\"b"', '""', "-7"]


class Huge(str):
    """The text of a number that no double holds."""


def number(token: str) -> Any:
    return Huge(token) if isinf(float(token)) else float(token)


def document(random: Random, more: Sequence[str] = (), depth: int = 3) -> str:
    """JSON of an object: some keys twice, some of them nested, some values strange, or of `more`."""

    def member() -> str:
        key = json.dumps(random.choice(KEYS), ensure_ascii=random.random() < 0.5)
        if depth and random.random() < 0.4:
            return f"{key}:{document(random, more, depth - 1)}"
        if random.random() < 0.1:
            return f"{key}:[{random.choice([*SCALARS, *more])}]"
        return f"{key} : {random.choice([*SCALARS, *more])}"

    return "{" + ",".join(member() for _ in range(random.randint(1, 4))) + "}"


def at(value: Any, path: list[str]) -> Any:
    """The value at a path, the last of equal keys at each step; `...` if there is none."""
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return ...
        value = value[part]
    return value


def attributes_of(text: str) -> Any:
    return json.loads(text, parse_float=number)


def value_of(attributes: Any, key: str) -> Any:
    """The value that a filter on this key looks at; `...` if there is none."""
    return attributes[key] if key in attributes else at(attributes, key.split("."))
