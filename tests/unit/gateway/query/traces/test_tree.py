"""A trace as a tree, whatever its spans say, and its critical path against a brute force."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.query.traces.critical import critical_path, critical_stretches
from gateway.query.traces.tree import Timed, Tree

IDS = st.sampled_from(["a", "b", "c", "d", "e", "f", ""])
SPANS = st.lists(
    st.builds(Timed, IDS, st.one_of(IDS, st.just("gone")), st.integers(0, 12), st.integers(0, 9)), max_size=9
)
ORDERED = SPANS.map(lambda spans: sorted(spans, key=lambda span: span.start))


def tree_of(*spans: tuple[str, str, int, int]) -> Tree:
    return Tree([Timed(*span) for span in spans])


@given(ORDERED)
def test_every_span_is_in_it_once_behind_its_parent(spans: list[Timed]) -> None:
    tree = Tree(spans)
    order = list(tree.walk())
    assert sorted(order) == list(range(len(spans)))
    place = {n: at for at, n in enumerate(order)}
    for n, parent in enumerate(tree.parents):
        assert parent is None or place[parent] < place[n]
        assert tree.depths[n] == (0 if parent is None else tree.depths[parent] + 1)


@given(ORDERED)
def test_a_parent_is_the_first_span_of_its_id_unless_that_makes_a_circle(spans: list[Timed]) -> None:
    tree = Tree(spans)
    for n, span in enumerate(spans):
        named = next((at for at, other in enumerate(spans) if span.parent_id and other.span_id == span.parent_id), None)
        assert tree.parents[n] == named or (tree.parents[n] is None and n in tree.in_circle)
        assert (n in tree.orphans) == (bool(span.parent_id) and named is None)
        assert (n in tree.repeated) == (bool(span.span_id) and span.span_id in {each.span_id for each in spans[:n]})


@given(ORDERED)
def test_no_span_begins_before_its_parent_and_what_is_below_moves_along(spans: list[Timed]) -> None:
    tree = Tree(spans)
    for n, parent in enumerate(tree.parents):
        if parent is None:
            assert (tree.starts[n], tree.skew[n]) == (spans[n].start, 0)
        else:
            sent = spans[n].start - spans[parent].start
            assert tree.starts[n] - tree.starts[parent] == max(sent, 0)
            assert tree.skew[n] == max(-sent, 0)


@given(ORDERED)
def test_own_time_is_when_no_child_runs(spans: list[Timed]) -> None:
    tree = Tree(spans)
    for n in range(len(spans)):
        ticks = set(range(tree.starts[n], tree.end(n)))
        for child in tree.children[n]:
            ticks -= set(range(tree.starts[child], tree.end(child)))
        assert tree.own_time(n) == len(ticks)


def brute_force(tree: Tree) -> dict[int, int]:
    """Tick by tick from the end: who is on the path, and for how many ticks it is the innermost one."""
    begin, end = min(map(tree.starts.__getitem__, tree.roots)), max(map(tree.end, tree.roots))
    found: Counter[int] = Counter()
    inside: list[tuple[int | None, int]] = [(None, end)]  # the spans that the path is in, and how far they go
    for tick in range(end, begin, -1):
        while inside[-1][0] is not None and tree.starts[inside[-1][0]] >= tick:
            inside.pop()
        while True:
            span, until = inside[-1]
            children = tree.roots if span is None else tree.children[span]
            ending = [n for n in children if min(tree.end(n), until) == tick and tree.starts[n] < tick]
            if not ending or any(n in ending for n, _ in inside):
                break
            inside.append((min(ending, key=lambda n: (tree.starts[n], n)), tick))
        for n, _ in inside[1:]:
            assert n is not None
            found[n] += 0
        if inside[-1][0] is not None:
            found[inside[-1][0]] += 1
    return dict(found)


@given(ORDERED)
def test_the_critical_path_is_that_of_a_brute_force(spans: list[Timed]) -> None:
    tree = Tree(spans)
    assert critical_path(tree) == (brute_force(tree) if spans else {})


@given(ORDERED)
def test_the_critical_path_takes_all_the_time_in_which_anything_ran_at_the_end(spans: list[Timed]) -> None:
    tree = Tree(spans)
    path = critical_path(tree)
    if spans and len(tree.roots) == 1:
        assert sum(path.values()) == spans[tree.roots[0]].duration


@given(ORDERED)
def test_the_stretches_of_the_path_lie_in_their_spans_and_never_meet(spans: list[Timed]) -> None:
    tree = Tree(spans)
    ticks: list[int] = []
    for n, stretches in critical_stretches(tree).items():
        for start, end in stretches:
            assert tree.starts[n] <= start < end <= tree.end(n)
            ticks += range(start, end)
    assert len(ticks) == len(set(ticks))


def test_what_runs_beside_the_child_that_ends_last_is_not_on_the_path() -> None:
    tree = tree_of(("root", "", 0, 100), ("slow", "root", 10, 80), ("quick", "root", 10, 20), ("deep", "slow", 50, 40))
    assert critical_path(tree) == {0: 20, 1: 40, 3: 40}


def test_a_deep_trace_needs_no_recursion() -> None:
    spans = [Timed(str(n), str(n - 1) if n else "", n, 20_000 - 2 * n) for n in range(10_000)]
    tree = Tree(spans)
    assert max(tree.depths) == 9_999
    assert sum(critical_path(tree).values()) == 20_000
