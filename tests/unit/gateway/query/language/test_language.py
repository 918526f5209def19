"""What a query means, and that any text is one, or is searched as it stands (reading.md, "The query language")."""

from contextlib import suppress
from time import process_time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.query.language import EVERYTHING, Node, TooLong, render, term
from gateway.query.language.language import MAX_CHARACTERS, MAX_TOKENS
from gateway.query.language.nodes import (
    AnyOf,
    Between,
    Compare,
    Exact,
    Glob,
    Present,
    Term,
    Text,
    all_of,
    any_of,
    negated,
)
from gateway.query.logs.fields import LANGUAGE
from tests.unit.gateway.query.language.trees import trees

A, B, C = Text("a"), Text("b"), Text("c")

TABLE: list[tuple[str, Node]] = [
    ("", EVERYTHING),
    ("timeout", Text("timeout")),
    ('timeout "card declined"', all_of([Text("timeout"), Text("card declined")])),
    ("level:error", term("level", "error")),
    ("level:(error OR fatal)", Term("level", AnyOf((Exact("error"), Exact("fatal"))))),
    ("level:>=warn", Term("level", Compare(">=", "warn"))),
    ("level:[info TO error]", Term("level", Between("info", "error"))),
    ("-level:debug", negated(term("level", "debug"))),
    ("-(a OR b)", negated(any_of([A, B]))),
    ("service:*", Term("service", Present())),
    ("-user:*", negated(Term("user", Present()))),
    ("logger:db.*", Term("logger", AnyOf((Glob("db.*"),)))),
    ("attr.route:/api/*", Term("attr.route", AnyOf((Glob("/api/*"),)))),
    ("attr.http.status_code:>=500", Term("attr.http.status_code", Compare(">=", "500"))),
    ("attr.ms:[100 TO 200]", Term("attr.ms", Between("100", "200"))),
    ('attr."k8s.io/a b":x', term("attr.k8s.io/a b", "x")),
    ("trace:4bf92f35", term("trace", "4bf92f35")),
    ("user:ann@shop.example", term("user", "ann@shop.example")),
    ('service:""', term("service", "")),
    ('service:"a*"', term("service", "a*")),
    ("a (b OR c)", all_of([A, any_of([B, C])])),
    ("(a b) OR c", any_of([all_of([A, B]), C])),
    (r'"a \"b\" c:\\temp"', Text(r'a "b" c:\temp')),
    ("GET /api/users/17 200", all_of([Text("GET"), Text("/api/users/17"), Text("200")])),
]
"""Query <-> tree. Each is the canonical text of its tree."""

SAME = [
    ("a AND b", "a b"),
    ("a b OR c", "(a b) OR c"),
    ("((a))  ((b))", "a b"),
    ("NOT NOT a", "a"),
    ("NOT (a OR b)", "-(a OR b)"),
    ("level:WARNING", "level:warn"),
    ("level:(error fatal)", "level:(error OR fatal)"),
    ("level: error", "level:error"),
    ("env:prod", "environment:prod"),
    ("user:(x OR *)", "user:*"),
    ("http://x.y/z", '"http://x.y/z"'),
    ("file:///etc/passwd", '"file:///etc/passwd"'),
    (r'"C:\new"', r'"C:\\new"'),
    ("-a-b", "-a-b"),
    ("level:error timeout", "level:error timeout"),
]


def parse(query: str) -> Node:
    parsed = LANGUAGE.parse(query)
    assert parsed.told == ()
    return parsed.tree


@pytest.mark.parametrize(("query", "tree"), TABLE)
def test_what_is_written_means_this_and_this_is_written_so(query: str, tree: Node) -> None:
    assert parse(query) == tree
    assert render(tree) == query


@pytest.mark.parametrize(("query", "canonical"), SAME)
def test_several_ways_to_write_a_query_have_one_canonical_text(query: str, canonical: str) -> None:
    assert render(parse(query)) == canonical
    assert parse(canonical) == parse(query)


PASTED = [
    ("GET /users (id", "unmatched ( at 12"),
    ("a )", "unmatched ) at 3"),
    ('say "hi', 'unmatched " at 5'),
    ("attr.a:[1 TO", "unmatched [ at 8"),
    ("(a OR )", "unexpected ) at 7"),
    ("a OR", "nothing follows OR"),
    ("level:", "nothing follows level:"),
    ("retry - failed", "unexpected - at 7"),
    ("--verbose", "unexpected --verbose at 1"),
    ("(" * 1_000, "too many brackets and operators"),
]


@pytest.mark.parametrize(("text", "why"), PASTED)
def test_what_is_no_query_is_searched_as_plain_text_and_says_why(text: str, why: str) -> None:
    parsed = LANGUAGE.parse(f" {text} ")
    assert parsed.tree == Text(text)
    assert LANGUAGE.parse(text).plain == why
    assert LANGUAGE.parse(text).told == (f"searched as plain text: {why}",)


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("foo:bar", "foo: no such field; attr.foo?"),
        ("trace_id:x", "trace_id: no such field; trace?"),
        ("Level:error", "Level: no such field; level?"),
        ("Attr.ms:1", "Attr.ms: no such field; attr.ms?"),
        ("level:urgent", "level: it is trace, debug, info, warn, error or fatal"),
        ("level: urgent", "level: it is trace, debug, info, warn, error or fatal"),
        ("attr.ms:>fast", "attr.ms: it is a number"),
        ("attr.ms:>1e400", "attr.ms: it is a number"),
        ("attr.ms:[1 TO 2*]", "attr.ms: it is a number"),
        ("logger:>b", "logger: it has no order: ask for a value, or for a part of it with *"),
    ],
)
def test_a_term_that_can_not_be_meant_is_a_text_with_a_hint(query: str, hint: str) -> None:
    parsed = LANGUAGE.parse(query)
    assert (parsed.tree, parsed.hints) == (Text(query), (hint,))
    both = LANGUAGE.parse(f"-{query} level:error")
    assert both.tree == all_of([negated(Text(query)), term("level", "error")])


def test_there_are_only_so_many_hints() -> None:
    assert len(LANGUAGE.parse("foo:bar " * 50).hints) == 5


def test_fifty_terms_and_2048_characters_are_the_most() -> None:
    assert parse("a " * 50) == all_of([A] * 50)
    assert parse(" OR ".join(["-(a -level:info)"] * 25))
    with pytest.raises(TooLong, match="50 terms; put a pasted text between quotes"):
        LANGUAGE.parse("a " * 51)
    with pytest.raises(TooLong, match="50 terms"):
        LANGUAGE.parse(f"level:({'info ' * 51})")
    assert parse(f'"{"x" * (MAX_CHARACTERS - 2)}"')
    with pytest.raises(TooLong, match="2,048 characters"):
        LANGUAGE.parse("x" * (MAX_CHARACTERS + 1))


@given(trees)
def test_the_canonical_text_of_a_tree_is_read_as_that_tree(tree: Node) -> None:
    text = render(tree)
    assume(len(text) <= MAX_CHARACTERS)
    assert parse(text) == tree


PIECES = [
    "a",
    "level:",
    "attr.x:",
    'attr."',
    "foo:",
    "(",
    ")",
    "[",
    "]",
    '"',
    "-",
    "\\",
    " ",
    "\n",
    "OR ",
    "AND ",
    "NOT ",
]
PIECES += ["NOT ", "TO ", ">=", "<", "*", "error", "1", "é", "\0", "//", "@", "|", "\ufffd", "\u2028"]


@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_any_text_is_a_query_or_plain_text(text: str) -> None:
    try:
        parsed = LANGUAGE.parse(text)
    except TooLong:
        return
    if parsed.plain:
        assert parsed.tree == Text(text.strip())
    assert LANGUAGE.parse(render(parsed.tree)).tree == parsed.tree


HOSTILE = ["(", "a ", "NOT ", "-(", '"', '"\\', 'attr."', "level:", "attr.a", "a:", "[", "level:[", "\\", " ", "foo:b "]


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_time_grows_no_faster_than_the_text(piece: str) -> None:
    def cost(characters: int) -> float:
        text = (piece * characters)[:characters]
        return min(_time_of(text) for _ in range(5))

    assert cost(MAX_CHARACTERS) < 24 * max(cost(MAX_CHARACTERS // 8), 0.0001)


def _time_of(text: str) -> float:
    started = process_time()
    with suppress(TooLong):
        LANGUAGE.parse(text)
    return process_time() - started


def test_brackets_are_read_no_further_than_the_limit() -> None:
    deep = (MAX_TOKENS - 1) // 2
    assert parse("(" * deep + "a" + ")" * deep) == A
    assert parse("NOT " * (MAX_TOKENS - 1) + "a") == negated(A)
    assert LANGUAGE.parse("(" * (deep + 1) + "a" + ")" * (deep + 1)).plain == "too many brackets and operators"
