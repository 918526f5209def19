"""Bodies generated from the formats' own types: valid ones, and the same ones broken in every way we could think of."""

import json
import re
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from gateway.validation.contract import Node, batch_node, node_of
from shared.formats.intake import Array, Batch, OneOrMany
from tests.validating import Door

TIMES = [
    "2026-02-23T00:00:00.000Z",
    "2026-02-23T00:00Z",
    "2026-02-23T00:00:00+0530",
    "2026-02-23T00:00:00-99:99",
    "2026-02-23T00:00:00.12345678901234567890+23:59",
    "2024-02-29T23:59:59Z",
    "2023-02-29T23:59:59Z",
    "0000-02-29T00:00:00Z",
    "0001-01-01T00:00:00+24:00",
    "9999-12-31T23:59:59.99999999Z",
    "2026-02-23T23:59:60Z",
    "2026-02-23T24:00:00Z",
    "2026-02-23T00:00:00",
    "2026-02-23",
    "2026-02-23T00:00:00.Z",
    "2026-02-23T00:00:00+01",
    "+012026-02-23T00:00:00Z",
    "2026-02-23T00:00:00Z\n",
    "yesterday",
    "",
]
"""Times that parsers disagree about. A space for `T` and lower-case letters, which Zod refuses, are not among them."""

_texts = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["urgent", "\0", "\u2028", "\x7f\x1f", "😀", "'", '"\\/', "__proto__", "info", "ok", "INFO", "warning"]
    ),
    st.sampled_from(["a", "é", "😀"]).flatmap(lambda char: st.sampled_from([63, 64, 65, 128, 129]).map(char.__mul__)),
    st.sampled_from(TIMES),
    st.sampled_from(TIMES),
)
_numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2.5, -0.0, -0.5, 42.0, 1e308, 5e-324, 2**53, 10**25, 1736938200.123, 4294967296]),
    st.floats(allow_nan=False, allow_infinity=False),
)
_scalars = st.one_of(st.none(), st.booleans(), _numbers, _texts)
junk = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3), max_leaves=6
)
"""Any JSON value."""


_KEYS = ["level", "message", "timestamp", "proxy", "projectName", "traceId", "trace.id", "statusCode", "host", "type"]
_proxies = st.dictionaries(st.sampled_from(["method", "path", "statusCode"]), _scalars, max_size=3)
_drained = st.dictionaries(st.sampled_from(_KEYS), junk | _proxies, max_size=6)


def valid(node: Node) -> st.SearchStrategy[Any]:
    """Values that a node accepts."""
    made = _valid(node)
    return st.none() | made if node.nullable else made


def _valid(node: Node) -> st.SearchStrategy[Any]:
    match node.kind:
        case "any":
            return junk
        case "union":
            return st.one_of(*map(valid, node.options))
        case "object":
            return _objects(node)
        case "array":
            return st.lists(valid(node.items or node), min_size=node.shortest or 0, max_size=3)
        case "string":
            made = st.text(max_size=20) | _texts.filter(lambda text: len(text) <= (node.longest or 1000) // 2)
            return made.filter(lambda text: node.pattern is None or re.search(node.pattern, text) is not None)
        case "choice":
            return st.sampled_from(node.choices)
        case "time":
            return st.sampled_from(TIMES[:1])
        case "number":
            return st.floats(node.least, node.most, allow_nan=False, allow_infinity=False) | st.integers(0, 2**60)
        case "integer":
            return st.integers(int(node.least or 0), 2**33)
        case "boolean":
            return st.booleans()


@st.composite
def _objects(draw: st.DrawFn, node: Node) -> dict[str, Any]:
    made = {field.name: draw(valid(field.node)) for field in node.fields if field.required or draw(st.booleans())}
    if node.items is not None or not node.fields:
        made |= draw(st.dictionaries(_texts, junk, max_size=3))
    return made


@st.composite
def broken(draw: st.DrawFn, value: Any) -> Any:
    """The value with up to three things changed somewhere in it."""
    for _ in range(draw(st.integers(0, 3))):
        value = draw(_changed(value))
    return value


@st.composite
def _changed(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict) and value and draw(st.integers(0, 9)):
        key = draw(st.sampled_from(sorted(value)))
        if not draw(st.integers(0, 4)):
            return {name: item for name, item in value.items() if name != key}
        return value | {key: draw(_changed(value[key]))}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], draw(_changed(value[index])), *value[index + 1 :]]
    if isinstance(value, str) and draw(st.integers(0, 3)):
        return draw(_texts)
    if isinstance(value, int | float) and draw(st.integers(0, 3)):
        return draw(_numbers)
    return draw(junk)


@st.composite
def texts(draw: st.DrawFn, value: Any) -> bytes:
    """A JSON text of the value: escaped or not, spaced or not, and some keys twice, the first time with junk."""
    ascii_only, spaced = draw(st.booleans()), draw(st.booleans())

    def write(value: Any) -> str:
        if isinstance(value, dict):
            members = []
            for key, item in value.items():
                name = json.dumps(key, ensure_ascii=ascii_only)
                if not draw(st.integers(0, 15)):
                    members.append(f"{name}:{json.dumps(draw(junk), ensure_ascii=ascii_only)}")
                members.append(f"{name}:{write(item)}")
            return "{" + (", " if spaced else ",").join(members) + "}"
        if isinstance(value, list):
            return "[" + (" ,\n" if spaced else ",").join(map(write, value)) + "]"
        return json.dumps(value, ensure_ascii=ascii_only)

    return write(value).encode()


def values(door: Door) -> st.SearchStrategy[Any]:
    """Valid bodies of an intake, as plain values."""
    body = door.intake.bodies[door.format.name]
    record = door.format.codec.record  # type: ignore[attr-defined]
    if isinstance(body, Array):
        return st.lists(_drained, max_size=4)
    if isinstance(body, OneOrMany):
        one = valid(node_of(record)).filter(lambda value: not body.look(json.dumps(value).encode()).lacks)
        return one | st.lists(one, max_size=3)
    if isinstance(body, Batch):
        return valid(batch_node(replace(body, partial=False), record))
    return valid(node_of(record))


def bodies(door: Door) -> st.SearchStrategy[bytes]:
    """Bodies of an intake, valid or not."""
    return values(door).flatmap(broken).flatmap(texts)
