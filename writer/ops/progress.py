"""How long work on a range shows itself on standard error: a bar, the rate, the time left, and what it waits for."""

from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class Rate(ProgressColumn):
    """Units a second, lately; at the end over all."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} {self._unit}/s", style="progress.data.speed")


def progress_bar(unit: str) -> Progress:
    """A bar for `with`: what it is about, done and all, rate and time left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(unit),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


class Voice:
    """What `Waiting` and others tell, as lines above the bar."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def info(self, event: str, **facts: Any) -> None:
        self._say("green", event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        self._say("yellow", event, facts)

    def _say(self, colour: str, event: str, facts: dict[str, Any]) -> None:
        told = ", ".join(f"{name} {value}" for name, value in facts.items())
        with suppress(BrokenPipeError):
            self._console.print(f"[{colour}]{escape(event)}[/{colour}] {escape(told)}", highlight=False, soft_wrap=True)
