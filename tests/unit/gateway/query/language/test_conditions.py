"""A tree's SQL holds no text of a client, and knows what it costs (reading.md, "What a condition costs")."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.errors.fields import LANGUAGE as ERRORS
from gateway.query.language import Cost, Node, condition
from gateway.query.language.grammar import quoted
from gateway.query.llm.fields import LANGUAGE as LLM
from gateway.query.logs.fields import FIELDS, LANGUAGE
from gateway.query.traces.fields import LANGUAGE as TRACES
from tests.unit.gateway.query.language.trees import trees

SIGNALS = {"logs": LANGUAGE, "errors": ERRORS, "traces": TRACES, "llm": LLM}
PLACEHOLDER = re.compile(r"%\((\w+)\)s")


@given(trees)
def test_the_placeholders_are_the_values(tree: Node) -> None:
    made = condition(tree, FIELDS)
    assert set(PLACEHOLDER.findall(made.sql)) == set(made.values)
    assert "%" not in PLACEHOLDER.sub("", made.sql)


@given(st.text())
def test_no_text_becomes_part_of_the_statement(text: str) -> None:
    mine = quoted(f"Zq{text}")
    for query in (
        f"{mine} service:({mine} OR Zq*) user:{mine} -message:Zq*",
        f"attr.{mine}:(Zq* {mine}) attr.{mine}:>1",
    ):
        made = condition(LANGUAGE.parse(query).tree, FIELDS)
        assert "Zq" not in made.sql
        assert any("Zq" in str(value) for value in made.values.values())


@pytest.mark.parametrize(
    ("signal", "query", "cost"),
    [
        ("logs", "", Cost.ROLLUP),
        ("logs", "level:>=warn (service:a OR -env:b*)", Cost.ROLLUP),
        ("logs", "level:error user:7", Cost.COLUMNS),
        ("logs", "level:error -(user:7 OR timeout)", Cost.TEXT),
        ("logs", "message:a*", Cost.TEXT),
        ("logs", "timeout attr.a:*", Cost.ATTRIBUTES),
        ("errors", "severity:high", Cost.COLUMNS),
        ("errors", "TypeError", Cost.TEXT),
        ("traces", "duration:>1s", Cost.COLUMNS),
        ("llm", "tokens:>1", Cost.COLUMNS),
    ],
)
def test_the_dearest_part_of_a_query_is_what_it_costs(signal: str, query: str, cost: Cost) -> None:
    language = SIGNALS[signal]
    assert condition(language.parse(query).tree, language.fields).cost == cost


@pytest.mark.parametrize("signal", SIGNALS)
def test_every_field_says_what_it_takes(signal: str) -> None:
    language = SIGNALS[signal]
    for field in language.fields:
        for name in (field.name, *field.aliases):
            for value in ("*", "yes", ">1", "error", "high", "1"):
                parsed = language.parse(f"{name}:{value}")
                assert not parsed.plain
                assert parsed.hints or condition(parsed.tree, language.fields).sql


@pytest.mark.parametrize(
    ("signal", "query", "hint"),
    [
        ("errors", "handled:maybe", "handled: it is yes or no"),
        ("errors", "severity:urgent", "severity: it is low, medium, high or critical"),
        ("errors", "status:open", "status: no such field; attr.status?"),
        ("errors", "error_message:x", "error_message: no such field; message?"),
        ("traces", "duration:>soon", "duration: write 100ms, 1.5s, 2m or 1h"),
        ("llm", "cost:>much", "cost: it is a number"),
        ("llm", "cost:1*", "cost: it is a number, without *"),
    ],
)
def test_a_value_of_another_kind_is_told(signal: str, query: str, hint: str) -> None:
    assert SIGNALS[signal].parse(query).hints == (hint,)
