"""`sluice grouping rules`: the rules of a project that go before its fingerprints."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.commands.common import (
    AsJson,
    By,
    DataDir,
    ProjectId,
    database,
    duration,
    fail,
    person,
    print_json,
    sentences,
    settings_beside,
    tell_gateways,
    time_text,
    wide_console,
)
from shared.commands.rules_file import FILE_HELP, rules_of
from shared.commands.rules_trial import MOST_ERRORS, Trial, tried
from shared.fingerprint.rules import MATCHERS, BadRules, Rule, Rules
from shared.grouping_rules import Revision, UnknownRevision, get_revision, restore_revision, set_rules
from shared.projects import get_project

rules = typer.Typer(help="Rules of a project that go before its fingerprints.", no_args_is_help=True)

RulesArgument = Annotated[Path, typer.Argument(metavar="FILE", help=FILE_HELP)]

_ANOTHER = "Put this lost revision back, which messages name; the current one stays"
_SHOWN = "This one, instead of the current one"


@rules.command()
def show(
    project: ProjectId,
    revision: Annotated[int | None, typer.Option("--revision", min=1, help=_SHOWN)] = None,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Show the rules of a project in the order in which they are tried."""
    with database(settings_beside(data_dir), UnknownRevision, BadRules) as db:
        found = get_revision(db, project, revision)
    if as_json:
        print_json(found)
        return
    console = wide_console()
    if not found.rules:
        console.print(f"project {escape(project)} has no rules", highlight=False)
        return
    console.print(_title(found), highlight=False)
    table = Table("name", *MATCHERS, "outcome")
    for rule in found.rules:
        table.add_row(
            escape(rule.name), *(escape(getattr(rule, name) or "") for name in MATCHERS), escape(_outcome(rule))
        )
    console.print(table)


@rules.command("set")
def set_all(
    file: RulesArgument,
    project: ProjectId,
    revision: Annotated[int | None, typer.Option("--revision", min=1, help=_ANOTHER)] = None,
    by: By = None,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Make these the rules of a project, within a second in every gateway; `rules = []` ends them. What is stored keeps
    its group until `sluice replay --signal errors --rewrite --rules current`."""
    wanted, name = rules_of(file), person(by)
    settings = settings_beside(data_dir)
    if revision is not None:
        with database(settings) as db:
            if not restore_revision(db, project, revision, wanted, by=name):
                fail(f"project {project!r} has a revision {revision}: a revision never changes")
    else:
        with database(settings, UnknownRevision, BadRules) as db:
            revision, hashes = set_rules(db, project, wanted, by=name)
        tell_gateways(settings, hashes)
    if as_json:
        print_json({"project_id": project, "revision": revision, "rules": len(wanted)})
    else:
        what = f"revision {revision}, {len(wanted)} rules" if wanted else "no rules any more"
        Console().print(f"[green]✓[/green] project {escape(project)}: {what}", highlight=False)


@rules.command("test")
def try_out(
    file: RulesArgument,
    project: ProjectId,
    last: Annotated[str, typer.Option("--last", help="How far back: 30m, 24h, 7d")] = "24h",
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Show which stored errors would get another group by these rules. Changes nothing."""
    wanted, since = rules_of(file), duration(last)
    settings = settings_beside(data_dir)
    with database(settings) as db:
        get_project(db, project)
    with sentences():
        trial = tried(settings.clickhouse_read_url, project, Rules(0, wanted), since)
    if as_json:
        print_json(trial)
    else:
        _print_trial(trial, since)


def _title(found: Revision) -> str:
    made = f", made {time_text(found.created_at)} by {found.created_by}" if found.created_at else ""
    return escape(f"revision {found.revision} of project {found.project_id}{made}")


def _outcome(rule: Rule) -> str:
    return f"group {rule.group}" if rule.group is not None else "by message"


def _print_trial(trial: Trial, since: timedelta) -> None:
    console = wide_console()
    console.print(
        f"{trial.looked_at:,} errors of the last {since}: {trial.moved:,} would move;"
        f" {trial.groups_now:,} groups would be {trial.groups_then:,}",
        highlight=False,
    )
    if trial.is_cut:
        console.print(f"  only {MOST_ERRORS:,} were looked at: shorten --last", highlight=False)
    if not trial.moves:
        return
    table = Table("errors", "from group", "to group", "by rule", "such as")
    for move in trial.moves:
        rule = move.rule or "none any more"
        table.add_row(f"{move.errors:,}", move.source[:16], move.target[:16], escape(rule), escape(move.example))
    console.print(table)
