"""What a text is read as, in the words of the examples: `language | types | own frames | message`."""

from textwrap import dedent

from shared.fingerprint import v2


def seen(stack: str, message: str = "") -> str:
    reading = v2.read(message, dedent(stack).strip("\n"))
    parts = reading.parts
    return f"{reading.language.name} | {' < '.join(parts.types)} | {' '.join(parts.frames)} | {parts.message}"
