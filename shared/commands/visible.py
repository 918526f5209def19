"""Stored text as a terminal may have it. Strangers wrote it: no byte of theirs moves the cursor, colours or renames
anything, or turns the direction of what stands beside it."""

import re

_COLOURS = re.compile("(?:\x1b\\[|\x9b)[0-9;:]*m")
"""What colours text in a terminal (SGR). It says nothing, so it is left out."""

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Control characters, those that are not seen, and those that turn the direction of text. The two joiners are not among
them: emoji and several scripts need them."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    """The text on one line, with an escape (`\\n`, `\\x1b`, `\\u202e`) for each character that is not to be obeyed."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub(_escaped, _COLOURS.sub("", text))


def visible_lines(text: str) -> list[str]:
    """The same line by line, with spaces for tabs."""
    return [visible(line.expandtabs(4)) for line in text.replace("\r\n", "\n").split("\n")]


def json_line(json: str) -> str:
    """JSON as one line for a terminal: the same value. What `visible` escapes stands in texts only, but for the white
    space between the tokens of stored JSON."""
    line = json.translate(_BETWEEN_TOKENS)
    return line if line.isascii() and line.isprintable() else _UNSEEN.sub(_json_escaped, line)


_BETWEEN_TOKENS = str.maketrans("\n\r\t", "   ")


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    if short := _SHORT.get(character):
        return short
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _json_escaped(found: re.Match[str]) -> str:
    """As UTF-16, which is how JSON escapes."""
    units = found[0].encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[n : n + 2].hex()}" for n in range(0, len(units), 2))
