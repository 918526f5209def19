"""What may change without another fingerprint, and what may not, on generated stacks."""

import re
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from shared.fingerprint import v2


class Call(NamedTuple):
    function: str
    file: str


names = st.from_regex(r"(?:load|show|total|save|find|send)[A-Z][a-z]{3,8}", fullmatch=True)
files = st.sampled_from(["cart", "orders", "prices", "users", "stock-levels", "billing_rules"])
calls = st.lists(st.builds(Call, names, files), min_size=1, max_size=6, unique_by=lambda call: call.function)
types = st.sampled_from(["TypeError", "RangeError", "NotFoundError", "PaymentError"])
words = st.sampled_from(["order {} is gone", "no price for {}", "could not lock {}", "{} is not open yet"])
# Version 2 takes a message with "JSON" in it for one of JSON.parse (grouping.md, "What it gets wrong").
ids = st.one_of(
    st.integers(0, 10**12).map(str),
    st.uuids().map(str),
    st.emails(domains=st.just("shop.example")).filter(
        lambda text: re.fullmatch(r"[\w.+-]+@[\w.-]+", text) is not None and "JSON" not in text
    ),
    st.from_regex(r"ord_[0-9][A-Za-z0-9]{6,10}", fullmatch=True),
    st.from_regex(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}:[0-9]{2,5}", fullmatch=True),
    st.just("2026-01-15T10:30:00Z"),
)
lines = st.integers(1, 9_999)
columns = st.integers(1, 99)
folders = st.sampled_from(["/app/src", "/srv/releases/17/src", "/home/ada/shop/dist", "/var/task/src", "C:\\shop\\src"])


def v8(kind: str, message: str, stack: list[Call], folder: str = "/app/src", line: int = 3, column: int = 7) -> str:
    places = [f"    at {call.function} ({folder}/{call.file}.js:{line}:{column})" for call in stack]
    return "\n".join([f"{kind}: {message}", *places])


def of(message: str, stack: str) -> str:
    return v2.fingerprint(message, stack)[0]


@given(types, words, calls, folders, lines, columns)
def test_lines_columns_and_folders_change_nothing(
    kind: str, said: str, stack: list[Call], folder: str, line: int, column: int
) -> None:
    assert of(said, v8(kind, said, stack)) == of(said, v8(kind, said, stack, folder, line, column))


@given(types, words, calls, ids, ids)
def test_ids_in_messages_change_nothing(kind: str, said: str, stack: list[Call], a: str, b: str) -> None:
    one, other = said.format(a), said.format(b)
    assert of(one, v8(kind, one, stack)) == of(other, v8(kind, other, stack))
    if "<n>" in v2.read(one, "").parts[2] and "<n>" in v2.read(other, "").parts[2]:
        assert of(one, "") == of(other, "")


@given(types, words, calls)
def test_line_ends_and_colours_change_nothing(kind: str, said: str, stack: list[Call]) -> None:
    text = v8(kind, said, stack)
    assert of(said, text) == of(said, text.replace("\n", "\r\n")) == of(said, f"\x1b[31m{text}\x1b[0m")


@given(types, words, calls, st.integers(1, 50))
def test_the_depth_of_a_recursion_changes_nothing(kind: str, said: str, stack: list[Call], depth: int) -> None:
    deep = [stack[0]] * depth + stack
    assert of(said, v8(kind, said, stack)) == of(said, v8(kind, said, deep))


@given(types, words, calls)
def test_frames_of_others_change_nothing(kind: str, said: str, stack: list[Call]) -> None:
    text = v8(kind, said, stack)
    others = [
        "    at async Promise.all (index 0)",
        "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
        "    at async Layer.handle (/app/node_modules/express/lib/router/layer.js:95:5)",
        "    at wrapped (/app/node_modules/@sentry/node/build/index.js:1:2)",
    ]
    between = [line for own in text.split("\n") for line in (own, *others)]
    assert of(said, text) == of(said, "\n".join([text, *others])) == of(said, "\n".join(between))


@given(types, words, calls, st.sampled_from(["DbQ2xY9p", "9f8e7d6c5b4a3f21", "8a7b6c5d"]))
def test_hashes_of_bundles_change_nothing(kind: str, said: str, stack: list[Call], digest: str) -> None:
    hashed = [call._replace(file=f"{call.file}-{digest}") for call in stack]
    assert of(said, v8(kind, said, stack)) == of(said, v8(kind, said, hashed))


@given(st.sampled_from(["Cannot read properties of null (reading 'id')"]), calls, lines)
def test_chrome_firefox_and_safari_print_one_error(said: str, stack: list[Call], line: int) -> None:
    url = "https://x.example/src"
    lines_of = [f"{call.function}@{url}/{call.file}.js:{line}:9" for call in stack]
    chrome = of(said, v8("TypeError", said, stack, url))
    assert chrome == of('can\'t access property "id", a.b is null', "\n".join(lines_of))
    assert chrome == of("null is not an object (evaluating 'a.b.id')", "\n".join([*lines_of, "[native code]"]))


@given(types, types, words, calls)
def test_another_type_is_another_group(a: str, b: str, said: str, stack: list[Call]) -> None:
    assert (of(said, v8(a, said, stack)) == of(said, v8(b, said, stack))) == (a == b)


@given(types, words, calls, names)
def test_another_own_function_is_another_group(kind: str, said: str, stack: list[Call], name: str) -> None:
    other = [stack[0]._replace(function=name), *stack[1:]]
    if name not in {call.function for call in stack}:
        assert of(said, v8(kind, said, stack)) != of(said, v8(kind, said, other))


@given(words, words, ids)
def test_other_words_are_another_group_where_there_are_no_frames(a: str, b: str, value: str) -> None:
    assert (of(a.format(value), "") == of(b.format(value), "")) == (a == b)


@given(st.text(max_size=300), st.text(max_size=2000))
def test_any_text_has_a_fingerprint(message: str, stack: str) -> None:
    digest, parts, kind = v2.fingerprint(message, stack)
    assert re.fullmatch(r"[0-9a-f]{64}", digest)
    assert parts.startswith('["v2",')
    assert kind
