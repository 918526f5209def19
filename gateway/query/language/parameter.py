"""The parameter `q` of a route, and others that hold a query."""

from collections.abc import Sequence

from gateway.query.language.language import MAX_CHARACTERS, Language, Parsed, TooLong
from gateway.query.language.nodes import EVERYTHING
from gateway.query.parameters import Parameters


def parse_q(given: Parameters, language: Language, name: str = "q") -> Parsed:
    """What a query asks for; everything where there is none. One that is too long is an issue."""
    text = given.text(name, most=MAX_CHARACTERS)
    if text is None:
        return Parsed(EVERYTHING)
    try:
        return language.parse(text)
    except TooLong as error:
        given.refuse(name, "value_error", f"Value error, {error}", text)
        return Parsed(EVERYTHING)


def hint_header(hints: Sequence[str]) -> dict[str, str]:
    """`X-Query-Hint`, in ASCII: a hint may repeat what the client wrote."""
    if not hints:
        return {}
    text = "; ".join(hints)
    return {"X-Query-Hint": "".join(each if " " <= each <= "~" else f"\\u{ord(each):04x}" for each in text)}
