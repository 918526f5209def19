"""A query for the logs of a pattern."""

import re

from gateway.query.language import render
from gateway.query.language.language import MAX_CHARACTERS
from gateway.query.language.nodes import AnyOf, Glob, Term, term
from gateway.query.logs.fields import PATTERN

MAX_PATTERN = 2_000
"""Characters of a pattern that are shown."""

_NOT_IN_GLOBS = re.compile(r'[\s()"\[\]<>*]+|^//')


def query_for(pattern: str, folded: int) -> str | None:
    """Exactly this pattern; of a folded one whatever is like it: no space can stand in a glob, so `*` stands for it.
    None where the pattern was cut, or is too long for a query."""
    if len(pattern) >= MAX_PATTERN:
        return None
    value = Glob(_NOT_IN_GLOBS.sub("*", pattern))
    query = render(term(PATTERN, pattern) if folded == 1 else Term(PATTERN, AnyOf((value,))))
    return query if len(query) <= MAX_CHARACTERS else None
