"""The fields that a query may name, and the values of those that have few."""

from collections.abc import Mapping
from typing import NamedTuple

from gateway.query.asked import Asked
from gateway.query.errors.fields import LANGUAGE as ERRORS
from gateway.query.language import Language, render, term
from gateway.query.language.field import ATTRIBUTE
from gateway.query.language.nodes import Present, Term
from gateway.query.language.ordered import Ordered, YesNo
from gateway.query.llm.fields import LANGUAGE as LLM
from gateway.query.logs.attribute_keys import KeysQuery, find_keys
from gateway.query.logs.fields import LANGUAGE as LOGS
from gateway.query.logs.plan import MOST_ROWS
from gateway.query.pages.view import View
from gateway.query.traces.fields import LANGUAGE as TRACES

LANGUAGES: Mapping[str, Language] = {"logs": LOGS, "errors": ERRORS, "traces": TRACES, "llm": LLM}


class Suggestion(NamedTuple):
    """`text`: a part of a query, as it is written. `note`: what a reader sees beside it."""

    text: str
    note: str


def named_fields(signal: str) -> list[Suggestion]:
    return [Suggestion(f"{field.name}:", field.kind.name) for field in LANGUAGES[signal].fields]


async def attributes(view: View, asked: Asked) -> list[Suggestion]:
    """Those of the newest logs, which most of them have first. Raises `TooBig`, `Cramped`, `Rejection`."""
    found = await find_keys(view.deps.reader, view.project.project_id, KeysQuery(asked, MOST_ROWS))
    return [Suggestion(_written(each.key), f"{each.share * 100:.0f} %") for each in found.fields]


def _written(key: str) -> str:
    return render(Term(ATTRIBUTE + key, Present())).removesuffix("*")


def few_values(signal: str, name: str) -> list[Suggestion] | None:
    """All values of a field that can't have others; None for any other."""
    fields = LANGUAGES[signal].fields
    kind = fields[name].kind if name in fields.names else None
    match kind:
        case Ordered():
            values = kind.values
        case YesNo():
            values = ("yes", "no")
        case _:
            return None
    return [Suggestion(render(term(name, value)), "") for value in values]
