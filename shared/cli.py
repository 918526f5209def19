"""`sluice`: one command for people. Each subcommand lives with its owner and is imported only when it is called."""

import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("deploy.local.up:up", "Start everything on this machine, on real engines."),
    "status": ("deploy.local.status:status", "List what `sluice up` runs."),
    "demo": ("deploy.demo.command:demo", "Send an hour of made-up traffic to the demo project."),
    "gateway": ("gateway.main:gateway", "Run the HTTP gateway."),
    "writer": ("writer.main:writer", "Run a writer."),
    "migrate": ("shared.migrations.command:migrate", "Create or evolve tables and topics; safe to run twice."),
    "project": ("shared.commands.projects:project", "Create, list, show and update projects."),
    "key": ("shared.commands.keys:key", "Create, list, revoke and rotate API keys."),
    "logs": ("gateway.query.commands.logs:logs", "Search logs, in a terminal."),
    "errors": ("gateway.query.commands.errors:errors", "List groups of errors."),
    "error": ("gateway.query.commands.error:error", "Show one group of errors: since when, whom, where, its stack."),
    "user": ("shared.commands.users:user", "Create, list and disable users of the pages; their roles."),
    "replay": ("writer.ops.replay.command:replay", "Read a range of the queue again and store what is missing."),
    "dlq": ("writer.ops.dlq.command:dlq", "Dead letters: list, show, redrive and purge them."),
    "audit": ("writer.ops.audit.command:audit", "Compare the queue with ClickHouse: missing, duplicated, lost."),
    "audit-log": ("shared.commands.audit_log:audit_log", "Show who changed what, when, and from where."),
    "doctor": ("shared.doctor.command:doctor", "Look at what Sluice stands on, and say what is wrong."),
    "lag": ("writer.ops.lag.command:lag", "Show how far the writers are behind."),
    "group": ("shared.commands.groups:group", "List consumer groups; forget one that is gone for good."),
    "spool": ("shared.commands.spool:spool", "List spools of gateways; drain one whose gateway is gone."),
    "sourcemaps": ("shared.commands.sourcemaps:sourcemaps", "Source maps: list, delete and prune them."),
    "fingerprint": ("shared.commands.fingerprint:fingerprint", "Explain an error's group; say why two are one or not."),
    "grouping": ("shared.commands.grouping:grouping", "Overrule how errors are grouped: rules, merged groups."),
    "bench": ("deploy.bench.command:bench", "Measure gateway, writer and reading."),
}
"""Name -> (module:function, or module:Typer app; one line of help)."""


def build(arguments: Sequence[str]) -> typer.Typer:
    """The command line for these arguments: only the subcommand that they name is imported."""
    app = typer.Typer(
        help="Sluice: logs, errors, spans, LLM usage and Vercel drains into ClickHouse, each exactly once.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for name, (where, help_line) in COMMANDS.items():
        target = _load(where) if name in arguments[:1] else _not_called
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=name, help=help_line)
        else:
            app.command(name, short_help=help_line)(target)
    app.callback()(_sluice)
    return app


def _load(where: str) -> Callable[..., Any] | typer.Typer:
    module, _, attribute = where.partition(":")
    target: Callable[..., Any] | typer.Typer = getattr(importlib.import_module(module), attribute)
    return target


def _not_called() -> None:
    """Stands for a subcommand that this call doesn't name, so that `--help` lists it."""


def _sluice() -> None:
    """Keeps `sluice` a group even with one subcommand."""


def main() -> None:
    """The console script."""
    from shared.settings import BadSetting

    try:
        build(sys.argv[1:])()
    except BadSetting as error:
        sys.stderr.write(f"sluice: {error}\n")
        sys.exit(os.EX_CONFIG)
    except KeyboardInterrupt:  # while it starts; what runs ends by its own rules
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
