"""A rule as people write it, and the file that holds a project's rules."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

MOST_RULES: Final = 100
MOST_BYTES: Final = 65_536
"""Of all rules of a project, as JSON: each gateway and writer that meets the project holds them."""

MATCHERS: Final = ("type", "message", "function", "file", "release")

_PRINTABLE = r"^[^\x00-\x1f\x7f]*\Z"
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=_PRINTABLE)]
Pattern = Annotated[str, Meta(min_length=1, max_length=256, pattern=_PRINTABLE)]
Key = Annotated[str, Meta(min_length=1, max_length=256, pattern=_PRINTABLE)]


class BadRules(Exception):
    """A text that holds no rules, or some that can't be kept. It says what is wrong."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Errors that all matchers match get the outcome: `group`, one group for all errors with this key; or
    `by="message"`, where the whole message alone decides.

    A matcher is a pattern with `*`. An unknown one is refused, never ignored: the rule would match too much.
    """

    name: Name
    type: Pattern | None = None
    message: Pattern | None = None
    function: Pattern | None = None
    file: Pattern | None = None
    release: Pattern | None = None
    group: Key | None = None
    by: Literal["message"] | None = None

    def __post_init__(self) -> None:
        if (self.group is None) == (self.by is None):
            raise ValueError(f"rule {self.name!r} needs one outcome: either group, or by = 'message'")
        if all(getattr(self, name) is None for name in MATCHERS):
            raise ValueError(f"rule {self.name!r} needs a matcher: {', '.join(MATCHERS)} (message = '*' matches all)")


class RulesFile(msgspec.Struct, frozen=True):
    """The rules in the order in which they are tried: the first that matches decides. Beside them may stand what
    `show --json` says of a revision."""

    rules: Annotated[tuple[Rule, ...], Meta(max_length=MOST_RULES)]

    def __post_init__(self) -> None:
        names = [rule.name for rule in self.rules]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two rules have the name {min(twice)!r}: a row names the rule that decided")


def read_rules(text: str) -> tuple[Rule, ...]:
    """The rules of a file: TOML with `[[rules]]`, or JSON `{"rules": [...]}`. Raises `BadRules`."""
    decode = msgspec.json.decode if text.lstrip().startswith("{") else msgspec.toml.decode
    try:
        rules = decode(text, type=RulesFile).rules
    except msgspec.DecodeError as error:
        raise BadRules(str(error)) from error
    if (size := len(stored_text(rules))) > MOST_BYTES:
        raise BadRules(f"the rules are {size:,} bytes as JSON, {MOST_BYTES:,} are allowed")
    return rules


def stored_text(rules: tuple[Rule, ...]) -> bytes:
    """The rules as they are kept. `read_rules` reads it."""
    return msgspec.json.encode(RulesFile(rules))
