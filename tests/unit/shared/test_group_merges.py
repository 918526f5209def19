"""Groups that were merged: what heads them, and who is in them."""

from hypothesis import given
from hypothesis import strategies as st

from shared.group_merges import Merges


def test_a_head_that_is_merged_brings_its_members() -> None:
    merges = Merges({"b": "a", "a": "c"})
    assert {each: merges.head_of(each) for each in "abcd"} == {"a": "c", "b": "c", "c": "c", "d": "d"}
    assert set(merges.members("b")) == {"a", "b", "c"}
    assert merges.members("b")[0] == "c"
    assert merges.members("d") == ["d"]


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")))
def test_merges_by_hand_make_groups_too_even_in_a_circle(made: dict[str, str]) -> None:
    merges = Merges({of: into for of, into in made.items() if of != into})
    for of, into in made.items():
        assert merges.head_of(of) == merges.head_of(into)
    for each in "abcdefgh":
        head = merges.head_of(each)
        assert merges.head_of(head) == head
        assert sorted(merges.members(each)) == [one for one in "abcdefgh" if merges.head_of(one) == head]
