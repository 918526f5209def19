"""What a query says, as a tree. Make one with `all_of`, `any_of` and `negated`, which keep it in its one form:
no `And` in an `And`, no `Or` in an `Or`, none of a single node, no `Not` of a `Not`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Operator = Literal[">=", "<=", ">", "<"]


@dataclass(frozen=True, slots=True)
class Exact:
    """Exactly this text."""

    text: str


@dataclass(frozen=True, slots=True)
class Glob:
    """`*` in it stands for any text; there is at least one, and something else."""

    pattern: str

    @property
    def pieces(self) -> list[str]:
        """The texts between the stars; the first and the last are '' where the pattern begins and ends with one."""
        return self.pattern.split("*")


@dataclass(frozen=True, slots=True)
class AnyOf:
    values: tuple[Exact | Glob, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    operator: Operator
    value: str


@dataclass(frozen=True, slots=True)
class Between:
    """Both ends belong to it."""

    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Present:
    """It has one."""


Test = AnyOf | Compare | Between | Present


@dataclass(frozen=True, slots=True)
class Text:
    """The signal's text holds this, in any case."""

    text: str


@dataclass(frozen=True, slots=True)
class Term:
    """A field, by its usual name or `attr.<key>`, passes a test."""

    field: str
    test: Test


@dataclass(frozen=True, slots=True)
class Not:
    node: "Node"


@dataclass(frozen=True, slots=True)
class And:
    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    nodes: tuple["Node", ...]


Node = Text | Term | Not | And | Or

EVERYTHING = And(())
"""The query that says nothing."""


def all_of(nodes: Iterable[Node]) -> Node:
    flat = tuple(each for node in nodes for each in (node.nodes if isinstance(node, And) else (node,)))
    return flat[0] if len(flat) == 1 else And(flat)


def any_of(nodes: Iterable[Node]) -> Node:
    """At least one node."""
    flat = tuple(each for node in nodes for each in (node.nodes if isinstance(node, Or) else (node,)))
    return flat[0] if len(flat) == 1 else Or(flat)


def negated(node: Node) -> Node:
    return node.node if isinstance(node, Not) else Not(node)


def term(field: str, value: str) -> Term:
    """The field is exactly this."""
    return Term(field, AnyOf((Exact(value),)))
