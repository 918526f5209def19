"""What a click changes in a query."""

import pytest
from hypothesis import given

from gateway.query.language import EVERYTHING, Node, render, term
from gateway.query.language.edits import add, exclude, only, parts, remove
from gateway.query.language.nodes import Term
from gateway.query.logs.fields import LANGUAGE
from tests.unit.gateway.query.language.trees import leaves, trees

ERROR = term("level", "error")


def tree(query: str) -> Node:
    return LANGUAGE.parse(query).tree


@pytest.mark.parametrize(
    ("query", "added", "excluded", "removed", "alone"),
    [
        ("", "level:error", "-level:error", "", "level:error"),
        ("a", "a level:error", "a -level:error", "a", "a level:error"),
        ("a level:error", "a level:error", "a -level:error", "a", "a level:error"),
        ("-level:error a", "a level:error", "a -level:error", "-level:error a", "a level:error"),
        ("level:warn a", "level:warn a level:error", "level:warn a -level:error", "level:warn a", "a level:error"),
        ("a OR b", "(a OR b) level:error", "(a OR b) -level:error", "a OR b", "(a OR b) level:error"),
    ],
)
def test_edits(query: str, added: str, excluded: str, removed: str, alone: str) -> None:
    made = [render(edit(tree(query), ERROR)) for edit in (add, exclude, remove)]
    assert [*made, render(only(tree(query), ERROR))] == [added, excluded, removed, alone]


def test_the_last_part_removed_leaves_everything() -> None:
    assert remove(ERROR, ERROR) == EVERYTHING


@given(trees, leaves)
def test_what_was_added_is_there_once_and_can_be_removed(before: Node, leaf: Node) -> None:
    after = add(before, leaf)
    assert parts(after).count(leaf) == 1
    assert leaf not in parts(remove(after, leaf))
    assert add(after, leaf) == after
    assert exclude(exclude(before, leaf), leaf) == exclude(before, leaf)
    if isinstance(leaf, Term):
        assert [each for each in parts(only(before, leaf)) if isinstance(each, Term) and each.field == leaf.field] == [
            leaf
        ]
