"""A name and its value, as a span that is open shows them."""

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

from gateway.query.pages.by_path import MAX_ATTRIBUTES, by_path


class Pair(NamedTuple):
    """A field, or an attribute by its dotted path. `href`: traces whose root span has this value; '' where nothing
    searches for it."""

    name: str
    value: str
    href: str = ""


def written(value: Any) -> str:
    """An attribute's value: a text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def pairs_of(attributes: Any) -> list[Pair]:
    """The first of an object's values; none of what is no object."""
    if not isinstance(attributes, Mapping):
        return []
    return [Pair(path, written(value)) for path, value in islice(by_path(attributes), MAX_ATTRIBUTES)]


def objects_of(stored: bytes) -> list[Mapping[str, Any]]:
    """The objects of a stored JSON array; none of what can't be read."""
    try:
        found = json.loads(stored)
    except (ValueError, RecursionError):
        return []
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
