"""Nested JSON as a tree of limited size."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.query.pages.by_path import MAX_DEPTH, by_path
from gateway.query.pages.json_tree import MAX_NODES, Branch, JsonTree


def links(path: str, value: str) -> dict[str, str]:
    return {"only": f"{path}={value}"}


def leaves(branches: Any) -> dict[str, str]:
    """Path -> what searches for it."""
    found: dict[str, str] = {}
    for branch in branches:
        found |= leaves(branch.inside)
        if branch.links:
            found[branch.path] = branch.links["only"]
    return found


def test_values_are_found_by_their_dotted_path() -> None:
    tree = JsonTree(links).branches({"a": {"b": {"c": 1.5}, "d": True}, "e": "x", "f": None})
    assert leaves(tree) == {"a.b.c": "a.b.c=1.5", "a.d": "a.d=true", "e": "e=x"}
    assert [branch.text for branch in tree] == ["", '"x"', "null"]


def test_no_path_leads_into_an_array() -> None:
    (items,) = JsonTree(links).branches({"items": [{"x": 1}, 2]})
    first, second = items.inside
    assert leaves([items]) == {}
    assert (first.name, first.inside[0].text, second) == ("0", "1", Branch("1", "2", {}))


def test_an_array_of_scalars_is_one_text() -> None:
    assert JsonTree(links).branches({"tags": ["ä", 1]}) == [Branch("tags", '["ä", 1]', {})]


def test_what_is_too_much_is_left_out_and_said() -> None:
    tree = JsonTree(links)
    found = tree.branches({"a": {str(n): n for n in range(MAX_NODES)}, "b": 1})
    assert (tree.cut, len(found), len(found[0].inside)) == (True, 1, MAX_NODES - 1)
    whole = JsonTree(links)
    whole.branches({str(n): n for n in range(MAX_NODES)})
    assert not whole.cut


def test_what_is_too_deep_is_text() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = {"x": deep}
    (branch,) = JsonTree(links).branches(deep)
    for _ in range(MAX_DEPTH):
        (branch,) = branch.inside
    assert branch.text.startswith('{"x": {"x"')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=60,
)


def size(branches: Any) -> int:
    return sum(1 + size(branch.inside) for branch in branches)


@given(st.dictionaries(st.text(), JSON))
def test_any_json_is_a_tree_of_at_most_so_many(value: dict[str, Any]) -> None:
    tree = JsonTree(links)
    assert size(tree.branches(value)) <= MAX_NODES


def test_a_long_name_is_shown_once_and_no_path_repeats_it() -> None:
    """A stored key may have 500,000 characters, and hundreds of values below it."""
    name = "k" * 100_000
    below = {str(n): n for n in range(200)}
    (long,) = JsonTree(links).branches({name: below})
    assert (long.name, long.path) == (name, "")
    assert leaves([long]) == {}
    assert len(long.inside) == 200
    assert list(by_path({name: below, "a": {"b": 1}})) == [(name, below), ("a.b", 1)]
