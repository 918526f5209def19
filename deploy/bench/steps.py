"""What a long command is doing: a bar in a terminal, elsewhere a line a step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@contextmanager
def showing(console: Console, title: str, total: int) -> Iterator[Callable[[str], None]]:
    """Gives a function that is called with each step as it begins, `total` times."""
    if not console.is_terminal:
        began = monotonic()
        yield lambda what: console.print(f"{monotonic() - began:5.0f} s  {title}: {what}", markup=False)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=total)
        yield lambda what: progress.update(task, advance=1, description=escape(f"{title}: {what}"))
        progress.update(task, completed=total, description=escape(f"{title}: done"))
