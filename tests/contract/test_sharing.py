"""The embedded queue's rule for who owns which lane."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from shared.queue.base import Lane
from shared.queue.sqlite.sharing import share

TOPICS = ("errors", "llm", "logs")
LANES = [Lane(topic, partition) for topic in TOPICS for partition in range(4)]
NOBODY: dict[Lane, str | None] = dict.fromkeys(LANES)

some_topics = st.frozensets(st.sampled_from(TOPICS), min_size=1)
some_members = st.dictionaries(st.sampled_from("abcde"), some_topics)
same_members = st.sets(st.sampled_from("abcde"), min_size=1).map(lambda ids: {id_: frozenset(TOPICS) for id_ in ids})
some_owners = st.fixed_dictionaries({lane: st.sampled_from([None, *"abcde"]) for lane in LANES})


@given(some_owners, some_members)
def test_every_lane_that_somebody_wants_has_an_owner_who_wants_it(
    owners: dict[Lane, str | None], members: dict[str, frozenset[str]]
) -> None:
    for lane, owner in share(owners, members).items():
        wanting = [member for member, topics in members.items() if lane.topic in topics]
        assert owner in wanting if wanting else owner is None


@given(some_owners, same_members)
def test_members_with_the_same_wishes_have_as_many_lanes_give_or_take_one(
    owners: dict[Lane, str | None], members: dict[str, frozenset[str]]
) -> None:
    load = Counter(share(owners, members).values())
    assert max(load[m] for m in members) - min(load[m] for m in members) <= 1


@given(some_owners, some_members)
def test_a_settled_share_stays_as_it_is(owners: dict[Lane, str | None], members: dict[str, frozenset[str]]) -> None:
    settled = share(owners, members)
    assert share(settled, members) == settled


@given(same_members)
def test_only_the_lanes_that_a_newcomer_needs_move(members: dict[str, frozenset[str]]) -> None:
    before = share(NOBODY, members)
    after = share(before, {**members, "newcomer": frozenset(TOPICS)})
    assert {after[lane] for lane in LANES if after[lane] != before[lane]} <= {"newcomer"}


def test_a_newcomer_gets_lanes_of_every_topic() -> None:
    before = share(NOBODY, {"a": frozenset(TOPICS)})
    after = share(before, {"a": frozenset(TOPICS), "b": frozenset(TOPICS)})
    assert Counter((owner, lane.topic) for lane, owner in after.items()) == {(m, t): 2 for m in "ab" for t in TOPICS}
