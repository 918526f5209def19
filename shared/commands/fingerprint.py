"""`sluice fingerprint`: why an error has its group, and why two have one or not. Needs no engine."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.commands.common import AsJson, fail, from_file, print_json, wide_console
from shared.commands.rules_file import FILE_HELP, rules_of
from shared.fingerprint import v2
from shared.fingerprint.rules import Facts, Rules, Verdict
from shared.fingerprint.v2.explanation import Explanation, differences, explained

fingerprint = typer.Typer(help="Explain an error's group; say why two errors are one or not.", no_args_is_help=True)

DIFFERENT = 1
"""Exit code of `compare` for two groups, as `diff` has it."""

Message = Annotated[str, typer.Option("--message", help="The error's message; without it, the one in the stack counts")]


class SentError(msgspec.Struct):
    """An error as `POST /ingest/errors` takes it."""

    stack_trace: str
    error_message: str = ""


@fingerprint.command()
def explain(
    file: Annotated[Path, typer.Argument(help="A stack, or an error as JSON; - is standard input")] = Path("-"),
    message: Message = "",
    rules: Annotated[Path | None, typer.Option("--rules", metavar="FILE", help=FILE_HELP)] = None,
    release: Annotated[str, typer.Option("--release", help="The error's release, for rules that ask for it")] = "",
    as_json: AsJson = False,
) -> None:
    """Show what was read: language, frames and why they count or not, what the message became, parts, fingerprint.
    With --rules: which rule of a project decides, and why the others don't."""
    error = _error(file, message)
    found, verdicts = explained(*error), []
    if rules is not None:
        ruleset, facts = Rules(0, rules_of(rules)), Facts(*error, release)
        verdicts = ruleset.verdicts(facts)
        if decided := ruleset.first(facts):
            digest, parts, _ = ruleset.outcome(decided, facts)
            found = found._replace(hash=digest, parts=parts, rule=f"the project's rule {decided.name!r}")
    if as_json:
        print_json(
            found._asdict()
            | {"frames": [frame._asdict() for frame in found.frames]}
            | {"rules": [{"name": each.rule.name, "decides": each.decides, "why": each.why} for each in verdicts]}
        )
    else:
        _print(found, overruled=any(each.decides for each in verdicts))
        _print_verdicts(verdicts)


@fingerprint.command()
def compare(
    first: Annotated[Path, typer.Argument(help="A stack, or an error as JSON")],
    second: Annotated[Path, typer.Argument(help="Another one; - is standard input")],
) -> None:
    """Say whether two errors are one group, and what makes them two. Ends with 1 if they are two."""
    one, other = (v2.read(*_error(file, "")) for file in (first, second))
    console = wide_console()
    found = differences(one.parts, other.parts)
    if not found:
        console.print("[green]one group[/green]: types, frames and message are equal")
        console.print(f"  by {one.rule}", highlight=False)
        return
    console.print(f"[yellow]two groups[/yellow]: they differ in {' and '.join(name for name, _, _ in found)}")
    table = Table("part", str(first), str(second))
    for row in found:
        table.add_row(*map(escape, row))
    console.print(table)
    raise typer.Exit(DIFFERENT)


def _error(file: Path, message: str) -> tuple[str, str]:
    """(message, stack) of a file."""
    text = from_file(file, "the stack")
    if not text.lstrip().startswith("{"):
        return message, text
    try:
        sent = msgspec.json.decode(text, type=SentError)
    except msgspec.DecodeError as error:
        fail(f"{file} is no error as JSON with error_message and stack_trace: {error}")
    return message or sent.error_message, sent.stack_trace


def _print(found: Explanation, *, overruled: bool) -> None:
    console = wide_console()
    table = Table(show_header=False, box=None)
    for name, value in (
        ("fingerprint", f"{found.hash} ({'a rule' if overruled else f'version {found.version}'})"),
        ("language", found.language),
        ("type", found.type),
        ("chain", "\n".join(found.chain)),
        ("message", found.message),
        ("becomes", found.message_part or ""),
        ("rule", found.rule),
        ("parts", found.parts),
    ):
        table.add_row(name, escape(value))
    console.print(table)
    _print_frames(console, found)


def _print_verdicts(verdicts: list[Verdict]) -> None:
    if not verdicts:
        return
    table = Table("rule", "decides", "why not")
    for each in verdicts:
        table.add_row(escape(each.rule.name), "yes" if each.decides else "", escape(each.why))
    wide_console().print(table)


def _print_frames(console: Console, found: Explanation) -> None:
    if not found.frames:
        return
    table = Table("counts", "compared as", "own", "why", "printed")
    for frame in found.frames:
        marks = ("yes" if frame.counts else "", frame.read, "yes" if frame.own else "no", frame.why, frame.printed)
        table.add_row(*map(escape, marks))
    console.print(table)
