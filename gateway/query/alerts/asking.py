"""What a rule judges, as questions ask for it."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.query.alerts.windows import Window
from gateway.query.asked import Asked
from gateway.query.deps import QueryDeps
from gateway.query.errors.fields import LANGUAGE as ERRORS
from gateway.query.language import Language, Node, TooLong, term
from gateway.query.language.nodes import Text, all_of
from gateway.query.llm.fields import LANGUAGE as LLM
from gateway.query.logs.fields import LANGUAGE as LOGS
from gateway.query.traces.fields import LANGUAGE as TRACES
from shared.alerts.alert import Alert
from shared.alerts.progress import Progress
from shared.alerts.rule import Rule, Signal

LANGUAGES: Final = MappingProxyType[Signal, Language]({"logs": LOGS, "errors": ERRORS, "traces": TRACES, "llm": LLM})


class Verdict(NamedTuple):
    """How far a rule is judged now, and what people are told of it."""

    progress: Progress
    alert: Alert | None = None


@dataclass(frozen=True)
class Case:
    """A rule to be judged. `now`: microseconds."""

    deps: QueryDeps
    project_id: str
    rule: Rule
    progress: Progress
    now: int

    @property
    def cools(self) -> bool:
        return self.progress.cools(self.rule.cooldown, self.now)

    def tree(self, signal: Signal) -> Node:
        return tree_of(self.rule, signal)

    def asked(self, signal: Signal, window: Window, tree: Node | None = None) -> Asked:
        """What arrived in a window."""
        found = self.tree(signal) if tree is None else tree
        return Asked(window.happened, found, tables=(LANGUAGES[signal].table,), arrived=window.arrived)


def tree_of(rule: Rule, signal: Signal) -> Node:
    """What its `q`, service and environment find."""
    named = [term(name, value) for name in ("service", "environment") if (value := getattr(rule, name))]
    return all_of([*named, _parsed(LANGUAGES[signal], rule.q)])


def _parsed(language: Language, q: str) -> Node:
    try:
        return language.parse(q).tree
    except TooLong:  # it was checked when the rule was made, by the limits of then
        return Text(q)
