"""The file of rules that some commands take."""

from pathlib import Path
from typing import Final

from shared.commands.common import fail, from_file
from shared.fingerprint.rules import BadRules, Rule, read_rules

FILE_HELP: Final = "TOML of rules, or JSON as rules show --json prints it; - is standard input"


def rules_of(file: Path) -> tuple[Rule, ...]:
    """The rules in a file; ends the command if it can't be read."""
    try:
        return read_rules(from_file(file, "the rules"))
    except BadRules as error:
        fail(f"{file}: {error}")
