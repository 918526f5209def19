"""Which spans of a trace have a line, and which share one."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gateway.query.pages.waterfall.lines import MAX_LEVELS, Forest, Line, lines_of, owners
from gateway.query.traces.spans import Span
from tests.unit.gateway.query.pages.waterfall.made import span, tree


@st.composite
def traces(draw: st.DrawFn) -> list[Span]:
    """Every span behind its parent, siblings one behind the other."""
    parents: list[int | None] = [None]
    path = [0]
    for n in range(1, draw(st.integers(1, 14))):
        path = path[: draw(st.integers(0, len(path)))]
        parents.append(path[-1] if path else None)
        path.append(n)
    spans = tree(*parents)
    names = draw(st.lists(st.sampled_from("ab"), min_size=len(spans), max_size=len(spans)))
    return [span(name, each.parent, depth=each.depth) for name, each in zip(names, spans, strict=True)]


def lines(
    spans: list[Span],
    shown: list[bool] | None = None,
    *,
    folds: bool = True,
    unfolded: frozenset[int] = frozenset(),
) -> list[Line]:
    forest = Forest(spans, shown or [True] * len(spans))
    return lines_of(spans, forest, folds=folds, unfolded=unfolded)


def places(found: list[Line]) -> list[tuple[int, ...]]:
    return [line.places for line in found]


def test_three_equal_neighbours_share_a_line() -> None:
    spans = tree(None, 0, 0, 0)
    assert places(lines(spans)) == [(0,), (1, 2, 3)]
    assert places(lines(spans[:3])) == [(0,), (1,), (2,)]
    assert places(lines(spans, folds=False)) == [(0,), (1,), (2,), (3,)]
    assert places(lines(spans, unfolded=frozenset({2}))) == [(0,), (1,), (2,), (3,)]


def test_neighbours_are_equal_with_all_that_is_below_them() -> None:
    assert places(lines(tree(None, 0, 1, 0, 3, 0, 5))) == [(0,), (1, 3, 5)]
    assert places(lines(tree(None, 0, 1, 0, 3, 0))) == [(0,), (1,), (2,), (3,), (4,), (5,)]


def test_what_differs_is_never_folded_away() -> None:
    for different in (
        span("other", 0, depth=1),
        span(parent=0, depth=1, service="db"),
        span(parent=0, depth=1, status="error"),
        span(parent=0, depth=1, skew_us=5),
        span(parent=0, depth=1, repeated=True),
    ):
        spans = [*tree(None, 0, 0), different, span(parent=0, depth=1)]
        assert (3,) in places(lines(spans))


def test_a_span_whose_parent_has_no_line_stands_below_the_nearest_that_has_one() -> None:
    spans = tree(None, 0, 1, 2, 0)
    found = lines(spans, [True, False, False, True, True], folds=False)
    assert [(line.first, line.depth, line.is_last) for line in found] == [(0, 0, True), (3, 1, False), (4, 1, True)]


@given(traces(), st.randoms())
def test_every_shown_span_is_in_one_line_and_every_hidden_one_has_an_owner(spans: list[Span], random: Random) -> None:
    shown = [n == 0 or random.random() < 0.7 for n in range(len(spans))]
    found = lines(spans, shown)
    own = owners(spans, found)
    in_lines = [n for line in found for n in line.places]
    assert len(in_lines) == len(set(in_lines))
    assert all(shown[n] for n in in_lines)
    for at, line in enumerate(found):
        assert [own[n] for n in line.places] == [at] * len(line.places)
    for n, each in enumerate(spans):
        if n not in in_lines:
            assert own[n] == (None if each.parent is None else own[each.parent])
        if shown[n]:
            assert own[n] is not None
    unfolded = lines(spans, shown, folds=False)
    assert [line.first for line in unfolded] == [n for n, each in enumerate(shown) if each]


@given(traces())
def test_guides_go_on_where_more_of_a_level_follows(spans: list[Span]) -> None:
    found = lines(spans, folds=False)
    for at, line in enumerate(found):
        levels = [*line.guides, not line.is_last] if line.depth else []
        assert len(levels) == line.depth
        for level, goes_on in enumerate(levels, 1):
            later = next((each.depth for each in found[at + 1 :] if each.depth <= level), 0)
            assert goes_on == (later == level)


def test_a_deep_trace_is_quick_and_its_guides_are_few() -> None:
    found = lines(tree(None, *range(9_999)))
    assert len(found) == 10_000
    assert found[-1].depth == 9_999
    assert len(found[-1].guides) == MAX_LEVELS


def test_a_wide_trace_is_one_line_and_its_root() -> None:
    assert [len(line.places) for line in lines(tree(None, *[0] * 9_999))] == [1, 9_999]
