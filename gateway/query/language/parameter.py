"""The parameter `q` of a route."""

from collections.abc import Sequence

from gateway.query.language.language import MAX_CHARACTERS, Language, Parsed, TooLong
from gateway.query.language.nodes import EVERYTHING
from gateway.query.parameters import Parameters


def parse_q(given: Parameters, language: Language) -> Parsed:
    """What `q` asks for; everything where there is none. A query that is too long is an issue."""
    text = given.text("q", most=MAX_CHARACTERS)
    if text is None:
        return Parsed(EVERYTHING)
    try:
        return language.parse(text)
    except TooLong as error:
        given.refuse("q", "value_error", f"Value error, {error}", text)
        return Parsed(EVERYTHING)


def hint_header(hints: Sequence[str]) -> dict[str, str]:
    """`X-Query-Hint`, in ASCII: a hint may repeat what the client wrote."""
    if not hints:
        return {}
    text = "; ".join(hints)
    return {"X-Query-Hint": "".join(each if " " <= each <= "~" else f"\\u{ord(each):04x}" for each in text)}
