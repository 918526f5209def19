"""JSON's depth: the cheap look lets no ordinary deep body through, the precise one counts."""

import json
import random

import pytest

from gateway.validation.nesting import MAX_DEPTH, is_too_deep, looks_too_deep


def nested(depth: int, open_: bytes = b"[", close: bytes = b"]") -> bytes:
    return open_ * depth + b"1" + close * depth


@pytest.mark.parametrize(("open_", "close"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_the_bound_is_exact(open_: bytes, close: bytes) -> None:
    for depth, deep in ((MAX_DEPTH, False), (MAX_DEPTH + 1, True)):
        body = nested(depth, open_, close)
        assert (looks_too_deep(body) and is_too_deep(body)) == deep


def test_brackets_inside_texts_do_not_count() -> None:
    body = json.dumps({"a": "[{" * 1000, 'b"[[': '\\"[[['}).encode()
    assert looks_too_deep(body)
    assert not is_too_deep(body)


def test_many_flat_records_do_not_look_deep() -> None:
    body = json.dumps({"logs": [{"message": "x" * 200, "metadata": {"a": [1]}} for _ in range(5000)]}).encode()
    assert not looks_too_deep(body)


def test_a_deep_record_among_many_flat_ones_is_seen() -> None:
    flat = json.dumps([{"message": "x" * 200, "metadata": {"a": [1]}} for _ in range(500)]).encode()[:-1]
    for before in range(0, len(flat), 40_009):
        start = flat[:before].rfind(b", {")
        body = flat[: start if start > 0 else 1] + (b"," if start > 0 else b"") + nested(MAX_DEPTH + 1) + b"]"
        json.loads(body)
        assert looks_too_deep(body)
        assert is_too_deep(body)


def test_both_looks_agree_with_a_plain_count() -> None:
    chosen = random.Random(3)
    for _ in range(200):
        depth = chosen.choice([1, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 800])
        body = (
            b"["
            + b"".join(nested(chosen.choice([1, 5, 100]), b'{"k":', b"}") + b"," for _ in range(50))
            + nested(depth - 1)
            + b"]"
        )
        assert (looks_too_deep(body) and is_too_deep(body)) == (depth > MAX_DEPTH)


def test_an_open_text_at_the_end_is_no_trouble() -> None:
    assert not is_too_deep(b'["abc')
    assert not is_too_deep(b'["abc\\')
