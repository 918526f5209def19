"""By which attributes the page LLM offers to group calls: nobody has to know how they are named."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from gateway.query.language.field import ATTRIBUTE
from gateway.query.llm.calls import LlmCall
from gateway.query.pages.by_path import MAX_ATTRIBUTES, by_path

MOST = 5
MAX_KEY = 64
"""Characters of a key that is offered."""

_OF_ONE_CALL = ("trace_id", "span_id", "request_id")

_CONVENTIONS = ("gen_ai.", "llm.", "openinference.")
"""How attributes begin that say what the columns have: model, provider, operation, tokens."""


def offered_attributes(calls: Sequence[LlmCall]) -> list[str]:
    """Names of dimensions, `attr.<key>`: those that most of these calls have. It takes time in proportion to what was
    sent."""
    keys = Counter(key for call in calls for key in _keys(call))
    return [ATTRIBUTE + key for key in sorted(keys, key=lambda key: (-keys[key], key))[:MOST]]


def _keys(call: LlmCall) -> Iterator[str]:
    """Those that can be written in an address: a comma parts dimensions there."""
    try:
        found = json.loads(bytes(call.attributes))
    except (ValueError, RecursionError):
        return
    for path, value in islice(by_path(found if isinstance(found, dict) else {}), MAX_ATTRIBUTES):
        plain = 0 < len(path) <= MAX_KEY and path.isprintable() and "," not in path
        is_own = not path.startswith(_CONVENTIONS) and not path.endswith(_OF_ONE_CALL)
        if plain and is_own and isinstance(value, str | int | bool):
            yield path
