"""How a trace is looked at: the parameters of its page."""

from typing import NamedTuple

from gateway.query.parameters import Parameters
from gateway.query.traces.spans import MAX_SPANS

FOLDS = {
    "equal": "equal neighbours",
    "service": "by service",
    "depth-1": "to depth 1",
    "depth-2": "to depth 2",
    "depth-3": "to depth 3",
    "depth-5": "to depth 5",
    "none": "nothing",
}
"""What `fold` takes -> its text."""

USUAL_FOLD = "equal"

MAX_FIND = 200
MAX_UNFOLDED = 200
MAX_HIDE_MS = 86_400_000


class Options(NamedTuple):
    """Spans are named by their places in the trace. `agent`: only what models, tools and agents did. `hidden_us`: a
    shorter span has no line. `find`: only spans that hold this text, and what is above them. `skip`: lines before the
    first that is drawn; None for where the open span is."""

    agent: bool = False
    fold: str = USUAL_FOLD
    hidden_us: int = 0
    find: str = ""
    unfolded: frozenset[int] = frozenset()
    open: int | None = None
    skip: int | None = None

    @property
    def most_depth(self) -> int | None:
        return int(self.fold.removeprefix("depth-")) if self.fold.startswith("depth-") else None

    @property
    def folds_equal(self) -> bool:
        """What was found is never folded."""
        return self.fold != "none" and not self.find


def parse_options(given: Parameters) -> Options:
    """What can't be used becomes an issue of `given`."""
    return Options(
        agent=given.choice("view", ("all", "agent"), "all") == "agent",
        fold=given.choice("fold", FOLDS, USUAL_FOLD),
        hidden_us=given.integer("hide", 0, least=0, most=MAX_HIDE_MS) * 1000,
        find=(given.text("find", most=MAX_FIND) or "").strip(),
        unfolded=given.parsed("unfold", _places, "value_error", "places of spans") or frozenset(),
        open=given.integer("open", None, least=0, most=MAX_SPANS - 1),
        skip=given.integer("skip", None, least=0, most=MAX_SPANS),
    )


def _places(text: str) -> frozenset[int]:
    """Raises ValueError."""
    if len(text) > 6 * MAX_UNFOLDED:
        raise ValueError(f"name at most {MAX_UNFOLDED}")
    return frozenset(map(int, text.split(",")))
