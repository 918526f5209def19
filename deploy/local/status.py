"""`sluice status`: what a `sluice up` runs."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from deploy.local.folder import DataFolder

PUBLIC = ("role", "pid", "port", "state", "restarts")


def status(
    data_dir: Annotated[Path, typer.Option(help="Folder given to sluice up", envvar="SLUICE_DATA_DIR")] = Path("var"),
    as_json: Annotated[bool, typer.Option("--json", help="For programs")] = False,
) -> None:
    """List what `sluice up` runs: one line a process."""
    folder = DataFolder(data_dir)
    rows = processes(folder)
    if as_json:
        public = [{name: row[name] for name in PUBLIC} for row in rows]
        sys.stdout.write(json.dumps({"processes": public}) + "\n")
    elif rows:
        Console().print(_table(rows, time.monotonic()))
    else:
        Console().print(
            f"Nothing runs on {folder.path}. Start it with: sluice up --data-dir {folder.path}", soft_wrap=True
        )


def processes(folder: DataFolder) -> list[dict[str, Any]]:
    """The rows that a running supervisor wrote last; none where no supervisor runs, even if a killed one left some."""
    if not folder.is_owned():
        return []
    try:
        rows: list[dict[str, Any]] = json.loads(folder.state.read_text())["processes"]
    except FileNotFoundError:
        return []
    return rows


def _table(rows: list[dict[str, Any]], now: float) -> Table:
    table = Table(*PUBLIC, "uptime")
    for row in rows:
        cells = ["-" if row[name] is None else str(row[name]) for name in PUBLIC]
        table.add_row(*cells, "-" if row["since"] is None else _duration(now - row["since"]))
    return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
